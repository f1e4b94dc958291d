// Every header that the lane_*.hpp templates use and that other files use too.
//
// An isa_*.cpp includes this file before it enables more instructions. The order matters: an inline function
// that is shared between files is compiled in each of them, and the linker keeps any one copy. A copy with
// AVX-512 instructions would then run on machines that have none. For the same reason everything in the
// lane_*.hpp files is a template over the type of lanes: each instantiation belongs to one file.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "ctc/accepted_path.hpp"
#include "ctc/alignment.hpp"
#include "ctc/automaton.hpp"
#include "ctc/best_offer.hpp"
#include "ctc/best_search.hpp"
#include "ctc/bits.hpp"
#include "ctc/column.hpp"
#include "ctc/constrained_continuations.hpp"
#include "ctc/exact_search.hpp"
#include "ctc/fast_search.hpp"
#include "ctc/floats.hpp"
#include "ctc/greedy_alignment.hpp"
#include "ctc/guide.hpp"
#include "ctc/guide_cache_size.hpp"
#include "ctc/guide_table.hpp"
#include "ctc/labelling_scores.hpp"
#include "ctc/lanes.hpp"
#include "ctc/prefix_tree.hpp"
#include "ctc/prob.hpp"
#include "ctc/ranking.hpp"
#include "ctc/reached_automaton.hpp"
