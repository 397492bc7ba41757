// The handles of all kinds.
#pragma once

#include "plugin/compressor.hpp"
#include "plugin/mechanism.hpp"
#include "plugin/optimizer.hpp"
#include "plugin/problem.hpp"
#include "plugin/transport.hpp"
