# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that one packet alone can break."""
from . import dissect as d

ORDER = ["hop-by-hop", "destination options", "routing", "home address option", "fragment"]
# Where an option's type octet has to stand: (x, y) of RFC 6275 "xn + y", RFC 4285 §5 and §6.
ALIGNMENT = {2: (2, 0), 3: (8, 6), 4: (2, 0), 5: (8, 2), 9: (4, 1), 10: (8, 2)}
OPTION_LENGTH = {2: 2, 3: 16, 4: 4, 5: 12, 10: 8}
KNOWN_OPTIONS = {0, 1, 2, 3, 4, 5, 8, 9, 10}
# message -> may carry (Home Address option, type 2 routing header), RFC 6275 §6.1 and §11.3.2
HEADERS = {d.BU: (True, False), d.BA: (False, True), d.SERVICE: (True, True)}
UPDATE_FLAGS = 0xF000          # A H L K; the others belong to extensions that this project does not speak
TRANSPORTS = (6, 17, 58)       # whose checksum has the usual pseudo-header and place
MOBILE_PREFIX_SOLICITATION, MOBILE_PREFIX_ADVERTISEMENT = 146, 147


def judge_packet(frame, expectations, verdict):
    for depth, layer in enumerate(frame.layers):
        verdict.require(not layer.broken, frame, "soundness", layer.broken)
        verdict.require(layer.whole or depth == 0 and frame.layers[-1].upper != d.MOBILITY, frame, "length",
                        "packet is shorter than its header says")
        header_order(frame, layer, verdict)
        home_address_option(frame, layer, verdict)
        type_2_routing_header(frame, layer, verdict)
        if layer.upper == d.MOBILITY:
            mobility_header(frame, layer, verdict)
        elif layer.icmpv6_type() is not None:
            icmpv6(frame, layer, depth, verdict)
        if expectations.transport_checksums and layer.upper in TRANSPORTS and layer.fragment_offset is None and layer.whole:
            verdict.require(layer.checksum_is_right(), frame, "transport-checksum", "is wrong over source "
                            f"{d.name(layer.checksum_source)} and destination {d.name(layer.checksum_destination)}")


def header_order(frame, layer, verdict):
    kinds = []
    for kind, octets in layer.headers:
        if kind == d.DESTINATION_OPTIONS:
            kinds.append(ORDER.index("home address option" if layer.home_address and b"\xc9\x10" in octets else "destination options"))
        else:
            kinds.append(ORDER.index({d.HOP_BY_HOP: "hop-by-hop", d.ROUTING: "routing", d.FRAGMENT: "fragment"}[kind]))
    verdict.require(kinds == sorted(set(kinds)), frame, "header-order", f"extension headers stand in the order {[ORDER[k] for k in kinds]}")


def home_address_option(frame, layer, verdict):
    for kind, octets in layer.headers:
        if kind != d.DESTINATION_OPTIONS or not layer.home_address:
            continue
        at = octets.find(b"\xc9\x10")
        verdict.require(at % 8 == 6, frame, "home-address-option", f"stands at offset {at}, has to be 8n+6")
        verdict.require(len(octets) == 24 and octets[2:6] == b"\x01\x02\0\0", frame, "home-address-option",
                        "padding is not one PadN of 4 octets before the option")
        verdict.require(layer.home_address[0] not in (0, 0xFF, 0xFE), frame, "home-address-option", "is no unicast routable address")


def type_2_routing_header(frame, layer, verdict):
    for kind, octets in layer.headers:
        if kind == d.ROUTING:
            verdict.require(octets[1:8] == b"\x02\x02\x01\0\0\0\0", frame, "type-2-routing-header",
                            f"length, type, segments left and reserved are {octets[1:8].hex()}, have to be 02020100000000")


def mobility_header(frame, layer, verdict):
    header = layer.payload
    if len(header) < 8 or layer.fragment_offset is not None:
        verdict.complain(frame, "mobility-header", "is shorter than 8 octets or fragmented")
        return
    verdict.require(layer.checksum_is_right(), frame, "mobility-checksum", "checksum is wrong over source "
                    f"{d.name(layer.checksum_source)} and destination {d.name(layer.checksum_destination)}")
    verdict.require(header[0] == d.NONE, frame, "mobility-header", f"Payload Proto is {header[0]}, has to be 59")
    verdict.require((header[1] + 1) * 8 == len(header), frame, "mobility-header",
                    f"Header Len says {(header[1] + 1) * 8} octets, the packet has {len(header)}")
    verdict.require(header[3] == 0, frame, "mobility-header", "reserved octet is not zero")
    verdict.require(header[2] in d.FIXED_PART, frame, "mobility-header", f"unknown type {header[2]}")
    message = layer.mobility()
    if message is None:
        verdict.complain(frame, "mobility-header", "fixed part is cut")
        return
    home_allowed, routing_allowed = HEADERS.get(message.kind, (False, False))
    verdict.require(home_allowed or not layer.home_address, frame, "placement",
                    f"a {d.MESSAGE_NAMES[message.kind] if message.kind < 8 else message.kind} must not carry a Home Address option")
    verdict.require(routing_allowed or not layer.routing_home_address, frame, "placement",
                    "must not carry a type 2 routing header")
    mobility_options(frame, message, verdict)
    if message.is_update:
        verdict.require(message.flags & ~UPDATE_FLAGS & 0xFFFF == 0, frame, "flags", f"reserved bits set: {message.flags:#06x}")
    if message.is_acknowledgement:
        verdict.require(message.flags & 0x7F == 0, frame, "flags", f"reserved bits set: {message.flags:#04x}")


def mobility_options(frame, message, verdict):
    verdict.require(not message.overrun, frame, "mobility-options", "an option runs past the end")
    kinds = [o.kind for o in message.options]
    for index, option in enumerate(message.options):
        x, y = ALIGNMENT.get(option.kind, (1, 0))
        verdict.require(option.offset % x == y, frame, "option-alignment",
                        f"option {option.kind} stands at {option.offset}, has to be {x}n+{y}")
        verdict.require(option.kind in KNOWN_OPTIONS, frame, "mobility-options", f"unknown option {option.kind}")
        verdict.require(len(option.body) == OPTION_LENGTH.get(option.kind, len(option.body)), frame, "mobility-options",
                        f"option {option.kind} has length {len(option.body)}")
        if option.kind == 1:
            verdict.require(not any(option.body), frame, "option-padding", "PadN is not filled with zeroes")
        if option.kind <= 1:
            verdict.require(len(option.body) <= 5 and kinds[index + 1:index + 2] not in ([0], [1]), frame, "option-padding",
                            "more padding than needed")
    real = [k for k in kinds if k > 1]
    verdict.require(len(real) == len(set(real)), frame, "mobility-options", f"an option stands twice: {real}")
    if 4 in kinds or 5 in kinds:   # RFC 6275 §6.2.6 and §6.2.7
        verdict.require(message.is_update and 5 in kinds or message.is_acknowledgement and 4 not in kinds, frame, "authorization",
                        "Nonce Indices and Binding Authorization Data belong into Binding Updates, the latter into acknowledgements too")
        verdict.require(5 not in kinds or kinds[-1] == 5, frame, "authorization", "something follows the Binding Authorization Data")
        verdict.require(not message.is_update or 4 in kinds, frame, "authorization", "no Nonce Indices")
    if 9 in kinds:   # RFC 4285 §5: the authentication option is the last one, the identifier stands before it
        verdict.require(kinds[-1] == 9, frame, "authentication", "something follows the authentication option")
        if message.is_update:
            verdict.require(8 in kinds[:kinds.index(9)], frame, "authentication", "no mobile node identifier before it")


def icmpv6(frame, layer, depth, verdict):
    kind, headers = layer.icmpv6_type(), (layer.home_address, layer.routing_home_address)
    if kind in (133, 134, 135, 136, 137):
        verdict.require(layer.hop_limit == 255 and layer.payload[1] == 0, frame, "neighbour-discovery",
                        f"hop limit {layer.hop_limit}, code {layer.payload[1]}; have to be 255 and 0")
        verdict.require(headers == (None, None), frame, "neighbour-discovery", "carries a mobility header part")
        verdict.require(depth == 0, frame, "neighbour-discovery", "went through a tunnel")
    if kind in (144, 145, 146, 147):
        verdict.require(layer.checksum_is_right(), frame, "icmpv6-checksum", f"message {kind}")
        verdict.require(layer.payload[1] == 0, frame, "icmpv6", f"message {kind} has code {layer.payload[1]}")
        verdict.require(depth == 0, frame, "icmpv6", f"message {kind} went through a tunnel")
    if kind == MOBILE_PREFIX_SOLICITATION:
        verdict.require(headers[0] is not None and headers[1] is None, frame, "placement", "a solicitation needs the Home Address option")
    elif kind == MOBILE_PREFIX_ADVERTISEMENT:
        verdict.require(headers[1] is not None and headers[0] is None, frame, "placement", "an advertisement needs the type 2 routing header")
    elif kind in (144, 145):
        verdict.require(headers == (None, None), frame, "placement", f"ICMPv6 {kind} carries a Home Address option or type 2 routing header")
