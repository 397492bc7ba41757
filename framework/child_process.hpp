// Child processes: the first version of Boost.Process, wherever the Boost at hand keeps it. Since 1.86 it lies in v1/,
// since 1.88 nowhere else. Its second version has no hook between fork and exec, which all of our children need.
#pragma once

#if __has_include(<boost/process/v1/child.hpp>)
#include <boost/process/v1/args.hpp>
#include <boost/process/v1/child.hpp>
#include <boost/process/v1/exe.hpp>
#include <boost/process/v1/extend.hpp>
#include <boost/process/v1/io.hpp>
#include <boost/process/v1/pipe.hpp>
#include <boost/process/v1/search_path.hpp>
#include <boost/process/v1/start_dir.hpp>
#include <boost/process/v1/system.hpp>
namespace threepc {
namespace bp = boost::process::v1;
}
#else
#include <boost/process/args.hpp>
#include <boost/process/child.hpp>
#include <boost/process/exe.hpp>
#include <boost/process/extend.hpp>
#include <boost/process/io.hpp>
#include <boost/process/pipe.hpp>
#include <boost/process/search_path.hpp>
#include <boost/process/start_dir.hpp>
#include <boost/process/system.hpp>
namespace threepc {
namespace bp = boost::process;
}
#endif
