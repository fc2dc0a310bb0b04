// Which hub, as whom, how patiently.
#pragma once

#include <string>

#include "hub/http.h"

namespace longscroll {

struct HubConfig {
  std::string endpoint;  // no '/' at the end
  std::string token;     // empty: none
  HttpPolicy policy;
};

// HF_ENDPOINT (else the public hub) and HF_TOKEN. Throws Error(kArgument) when one cannot be what it must be.
HubConfig hub_config_from_environment();

// LONGSCROLL_OFFLINE is set, to anything but 0: the network is not to be touched.
bool is_offline();
// Throws Error(kNetwork) when offline; `what` is the model that is not here.
void require_online(const std::string& what);

}  // namespace longscroll
