// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "mipflow/wire/agent_service.hpp"
#include "report.hpp"

namespace mipflow::tools {

// Title and fields of a message of the address and policy service; type and name are the caller's.
Item describe_agent_service(const wire::AgentServiceMessage& message);

}  // namespace mipflow::tools
