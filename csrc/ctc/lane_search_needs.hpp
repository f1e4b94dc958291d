// All that lane_search.hpp uses and other files use too. It must be read before the compiler is allowed more
// instructions: a shared inline function is compiled in every file, and the linker keeps any one of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "ctc/alignment.hpp"
#include "ctc/bits.hpp"
#include "ctc/column.hpp"
#include "ctc/fast_search.hpp"
#include "ctc/lanes.hpp"
#include "ctc/prefix_arena.hpp"
#include "ctc/prob.hpp"
#include "ctc/ranking.hpp"
