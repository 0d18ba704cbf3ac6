# SPDX-License-Identifier: GPL-3.0-or-later
"""The outside eye: tshark, which decodes the same packets on its own."""
import ipaddress
import struct
import subprocess

from . import dissect as d

EXPERT_ERROR, CHECKSUM_GROUP = 0x800000, 0x1000000      # Wireshark's PI_ERROR and PI_CHECKSUM (often a mere warning)
FIELDS = ["frame.number", "mip6.mhtype", "mip6.bu.seqnr", "mip6.bu.lifetime", "mip6.bu.a_flag", "mip6.bu.h_flag",
          "mip6.bu.l_flag", "mip6.bu.k_flag", "mip6.ba.seqnr", "mip6.ba.status", "mip6.ba.lifetime",
          "mip6.hot.nindex", "mip6.cot.nindex", "mip6.ni.hni", "mip6.ni.cni", "mip6.be.status",
          "ipv6.opt.mipv6.home_address", "ipv6.routing.mipv6.home_address", "mip6.acoa.acoa"]
PROBLEMS = ["_ws.malformed", "_ws.expert.severity", "_ws.expert.group", "_ws.expert.message"]


def tshark(path, *arguments, preferences=()):
    command = ["tshark", "-n", "-r", str(path)]
    for preference in preferences:
        command += ["-o", preference]
    done = subprocess.run(command + list(arguments), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"tshark can not read {path}: {done.stderr.strip()}")
    return done.stdout.splitlines()


def judge_outside(path, frames, expectations, verdict):
    """`frames` are those of `path`."""
    by_number = {f.number: f for f in frames}
    checked = expectations.transport_checksums
    preferences = [f"{p}.check_checksum:{'TRUE' if checked else 'FALSE'}" for p in ("tcp", "udp")]
    wanted = f"ipv6 && (mip6.mhtype || _ws.malformed || _ws.expert.severity >= {EXPERT_ERROR} || "
    wanted += f"_ws.expert.group == {CHECKSUM_GROUP})"
    arguments = ["-Y", wanted, "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=|"]
    for name in FIELDS + PROBLEMS:
        arguments += ["-e", name]
    seen = set()
    for line in tshark(path, *arguments, preferences=preferences):
        values = dict(zip(FIELDS + PROBLEMS, line.split("\t")))
        number = int(values["frame.number"])
        frame = by_number.get(number, f"{path}:{number}")
        severities, groups = ([int(v, 0) for v in values[f"_ws.expert.{n}"].split("|") if v] for n in ("severity", "group"))
        if values["_ws.malformed"] or CHECKSUM_GROUP in groups or any(v >= EXPERT_ERROR for v in severities):
            verdict.complain(frame, "tshark", values["_ws.malformed"] + " " + values["_ws.expert.message"])
        # tshark reads what an ICMPv6 error quotes as well.
        quoted = number in by_number and (by_number[number].layers[-1].icmpv6_type() or 128) < 128
        if values["mip6.mhtype"] and not quoted:
            seen.add(number)
            if number in by_number:
                compare(frame, values, verdict)
    for frame in frames:
        if frame.layers[-1].mobility() is not None and frame.number not in seen:
            verdict.complain(frame, "tshark", "sees no Mobility Header where there is one")


def compare(frame, values, verdict):
    """tshark and the judge have to read the same out of a Mobility Header."""
    layer = frame.layers[-1]
    message = layer.mobility()
    if message is None:
        verdict.complain(frame, "tshark", "sees a Mobility Header that the judge can not read")
        return
    expected = {"mip6.mhtype": message.kind}
    if message.is_update:
        flags = message.flags
        expected |= {"mip6.bu.seqnr": message.sequence, "mip6.bu.lifetime": message.lifetime // 4,
                     "mip6.bu.a_flag": flags >> 15 & 1, "mip6.bu.h_flag": flags >> 14 & 1, "mip6.bu.l_flag": flags >> 13 & 1,
                     "mip6.bu.k_flag": flags >> 12 & 1}
    if message.is_acknowledgement:
        expected |= {"mip6.ba.seqnr": message.sequence, "mip6.ba.status": message.status, "mip6.ba.lifetime": message.lifetime // 4}
    if message.kind in (d.HOT, d.COT):
        expected["mip6.hot.nindex" if message.kind == d.HOT else "mip6.cot.nindex"] = struct.unpack_from("!H", message.octets, 6)[0]
    if message.kind == d.BE:
        expected["mip6.be.status"] = message.status
    if (indices := message.option(4)) is not None and len(indices.body) == 4:
        expected["mip6.ni.hni"], expected["mip6.ni.cni"] = struct.unpack("!HH", indices.body)
    for name, value in expected.items():
        verdict.require(values[name] != "" and int(values[name], 0) == value, frame, "tshark",
                        f"reads {name} = {values[name]}, the judge {value}")
    addresses = {"ipv6.opt.mipv6.home_address": layer.home_address, "ipv6.routing.mipv6.home_address": layer.routing_home_address,
                 "mip6.acoa.acoa": message.option(3) and message.option(3).body}
    for name, value in addresses.items():
        read = ipaddress.IPv6Address(values[name]).packed if values[name] else None
        verdict.require(read == value, frame, "tshark", f"reads {name} = {values[name]}, the judge {value and d.name(value)}")
