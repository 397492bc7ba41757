// threepc/sdk.hpp: write a plugin as a plain C++20 class and end the file with THREEPC_PLUGINS(...).
// Everything here is compiled into the plugin; only abi.h crosses the boundary. The headers below each open
// with a class to start from; aggregator.hpp, peers.hpp and topology.hpp are drafts.
#pragma once

#include <threepc/abi.h>

#include <threepc/sdk/aggregator.hpp>
#include <threepc/sdk/compressor.hpp>
#include <threepc/sdk/mechanism.hpp>
#include <threepc/sdk/optimizer.hpp>
#include <threepc/sdk/peers.hpp>
#include <threepc/sdk/problem.hpp>
#include <threepc/sdk/topology.hpp>
#include <threepc/sdk/transport.hpp>
