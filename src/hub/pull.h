// Brings a model to this machine.
#pragma once

#include <filesystem>
#include <string_view>

#include "hub/catalogue.h"
#include "hub/hub_config.h"
#include "hub/pull_events.h"

namespace longscroll {

// A catalogue's name, or "hf:OWNER/REPO[@REVISION][:FILE]". Returns the file or folder that resolve_model()
// will give for it; at once, without the network, when it is already here and was checked. A named model is
// tried at its publisher, then at its mirror; its pinned hash decides either way.
std::filesystem::path pull(std::string_view what, const PullEvents& events);

// The same for one entry, with the hub said: what pull() does for a name.
std::filesystem::path pull_entry(const CatalogueEntry& entry, HubConfig config, const PullEvents& events);

}  // namespace longscroll
