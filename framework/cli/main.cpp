#include <threepc/abi.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>

#include "bench/bench.hpp"
#include "cli/certs.hpp"
#include "cli/keys.hpp"
#include "cli/plugins.hpp"
#include "cli/standard_streams.hpp"
#include "cli/topology.hpp"
#include "config/run_config.hpp"
#include "failure.hpp"
#include "nearest.hpp"
#include "plugin/crash.hpp"
#include "report/report.hpp"
#include "runtime/run.hpp"
#include "sweep/reproduce.hpp"
#include "sweep/sweep.hpp"
#include "version.hpp"

namespace {

using threepc::Exit;

constexpr const char* exit_codes =
    "Exit codes: 0 done, 1 unexpected, 2 usage or configuration, 3 diverged, 4 a peer was lost or timed out,\n"
    "5 a plugin could not be loaded or misbehaved, 6 data, 130 interrupted.";

/// The command that was chosen; run after parsing, so that parsing alone decides about usage errors.
struct Program {
  CLI::App app{
      "Communication-compressed distributed optimisation: n workers, one server, and a three point\n"
      "compressor that decides what crosses the network.",
      "threepc"};
  threepc::RunOptions options;
  threepc::SweepOptions sweep;
  threepc::bench::BenchOptions bench;
  bool quick = false, list_names = false;
  threepc::report::ReportOptions report_options;
  std::string address;
  std::uint32_t rank = 0;
  threepc::cli::CertsOptions certs;
  threepc::cli::TopologyOptions topology;
  std::string plugin_id, keys_table;
  bool keys_markdown = false;
  std::vector<std::string> folders;
  std::function<Exit()> command;

  Program() {
    app.set_version_flag("--version", std::string("threepc ") + threepc::version() + " (plugin boundary " +
                                          std::to_string(TPC_ABI_MAJOR) + "." + std::to_string(TPC_ABI_MINOR) + ")");
    app.require_subcommand(1);
    app.footer(std::string("Example: threepc run configs/quickstart.toml\n") + exit_codes);
    add_run();
    add_serve();
    add_work();
    add_sweep();
    add_reproduce();
    add_report();
    add_plugins();
    add_config();
    add_bench();
    threepc::cli::add_topology(app, topology, command);
    add_certs();
  }

  void take_config(CLI::App& command_app) {
    command_app.add_option("CONFIG", options.config, "The run's TOML file")->required()->type_name("FILE");
    command_app.add_option("--set", options.set, "Override a key of CONFIG: --set mechanism.zeta=32 (repeatable)")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
  }

  void take_output(CLI::App& command_app) {
    command_app.add_option("--out", options.out, "Run directory (default: [run] out, or runs/NAME)")->type_name("DIR");
    command_app.add_flag("--force", options.force, "Start anew over whatever run is there");
    command_app.add_flag("--quiet", options.quiet, "No progress and no final table");
  }

  /// CONFIG of a new run, or --resume DIR of one that goes on.
  void take_beginning(CLI::App& command_app) {
    take_config(command_app);
    take_output(command_app);
    CLI::Option& config = *command_app.get_option("CONFIG")->required(false);
    command_app
        .add_option("--resume", options.resume,
                    "Go on from the last checkpoint of a run directory, with the configuration there")
        ->type_name("DIR")
        ->excludes(&config, command_app.get_option("--out"), command_app.get_option("--force"));
    command_app
        .add_flag("--resume-or-start", options.resume_or_start,
                  "For supervisors: go on from the last checkpoint in the run directory, or start if there is none")
        ->excludes(command_app.get_option("--resume"), command_app.get_option("--force"));
    command_app.add_flag("--profile", options.profile,
                         "Measure where the time goes: in the final table, and profile.json");
    command_app
        .add_option("--trace", options.trace, "When each member did what, for chrome://tracing or ui.perfetto.dev")
        ->type_name("FILE")
        ->each([this](const std::string&) { options.profile = true; });
    command_app.add_flag("--trust", options.trust, "Resume DIR although others could have written it")
        ->needs(command_app.get_option("--resume"));
  }

  void require_beginning() const {
    if (options.config.empty() && options.resume.empty()) throw CLI::RequiredError("CONFIG or --resume DIR");
  }

  void add_run() {
    CLI::App& sub = *app.add_subcommand("run", "Train on this host: the server and all workers");
    take_beginning(sub);
    sub.add_flag("--alone", options.alone,
                 "A run of its own, whatever mpirun or srun started beside it (each then needs its own --out)");
    sub.footer(
        "Ctrl+C ends a run with a checkpoint; threepc run --resume DIR goes on from it, with the same bits.\n"
        "Example: threepc run configs/quickstart.toml --set transport.plugin=inproc --out runs/first");
    sub.callback([this] {
      require_beginning();
      command = [this] { return threepc::run(options); };
    });
  }

  void add_serve() {
    CLI::App& sub = *app.add_subcommand("serve", "Be the server of a run whose workers are on other hosts");
    take_beginning(sub);
    sub.add_option("--listen", address, "Where to listen (default: what [transport] says)")->type_name("ADDRESS");
    sub.footer(
        "Over tcp, server and workers share a secret that keeps strangers out, TLS, or say insecure = true.\n"
        "Example: export THREEPC_TOKEN=$(openssl rand -hex 32)\n"
        "         threepc serve run.toml --listen 127.0.0.1:5555");
    sub.callback([this] {
      require_beginning();
      command = [this] { return threepc::serve(options, address); };
    });
  }

  void add_work() {
    CLI::App& sub = *app.add_subcommand("work", "Be one worker of a run; CONFIG and --set as on the server");
    take_config(sub);
    sub.add_option("--rank", rank, "Which worker this is, 0 to [workers] count - 1")->required()->type_name("I");
    sub.add_option("--connect", address, "The server (default: what [transport] says)")->type_name("ADDRESS");
    sub.add_option("--retry", options.retry,
                   "After losing the server, try to join again for so long (600 without a number)")
        ->type_name("SECONDS")
        ->expected(0, 1)
        ->default_str("600")
        ->check(CLI::PositiveNumber);
    sub.add_flag("--quiet", options.quiet, "Accepted for symmetry: a worker prints nothing but errors");
    sub.add_option("--descriptor", options.descriptor)->group("");  // threepc run to the workers that it starts
    sub.footer(
        "Over tcp, THREEPC_TOKEN or [transport] token_file is the server's, or ca, certificate and key are set.\n"
        "Example: threepc work run.toml --rank 3 --connect 127.0.0.1:5555");
    sub.callback([this] { command = [this] { return threepc::work(options, rank, address); }; });
  }

  void take_sweep_options(CLI::App& command_app) {
    command_app.add_option("--jobs", sweep.jobs, "Cells that run at a time (default: the available cores)")
        ->type_name("N")
        ->check(CLI::Range(1, 4096));
    command_app.add_option("--out", sweep.out, "Where everything is written (default: runs/NAME)")->type_name("DIR");
    command_app.add_flag("--force", sweep.force, "Run finished cells again");
    command_app.add_flag("--quiet", sweep.quiet, "No progress and no final table");
  }

  void add_sweep() {
    CLI::App& sub = *app.add_subcommand("sweep", "Run a grid of configurations; tables in sweep.csv and best.csv");
    sub.add_option("SWEEP", sweep.file, "TOML file with a base configuration and the axes of the grid")
        ->required()
        ->type_name("FILE");
    sub.add_option("--set", sweep.set, "Override a key of every cell: --set run.seed=2 (repeatable)")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    take_sweep_options(sub);
    sub.footer(
        "After Ctrl+C the same command goes on with the cells that are not finished.\n"
        "Example: threepc sweep configs/sweep.toml --jobs 2 --out runs/sweep");
    sub.callback([this] { command = [this] { return threepc::sweep(sweep); }; });
  }

  void add_reproduce() {
    CLI::App& sub = *app.add_subcommand("reproduce", "Run a published experiment, draw its figure, compare");
    CLI::Option& name = *sub.add_option("NAME", sweep.file, "An experiment of --list, or a sweep's TOML file");
    name.type_name("");
    sub.add_flag("--list", list_names, "The experiments that come with threepc");
    sub.add_flag("--quick", quick, "A small version, in less than a minute");
    take_sweep_options(sub);
    sub.footer(
        "Pictures need gnuplot (Debian: gnuplot-nox). After Ctrl+C the same command goes on.\n"
        "Example: threepc reproduce quadratic-n100 --quick --out runs/quadratic");
    sub.callback([this, &name] {
      if (!list_names && name.count() == 0) throw CLI::RequiredError("NAME");
      command = [this] { return list_names ? threepc::list_experiments() : threepc::reproduce(sweep, quick); };
    });
  }

  void add_plugins() {
    CLI::App& plugins = *app.add_subcommand("plugins", "What can be named in a configuration");
    plugins.require_subcommand(1);
    plugins.footer(
        "Plugins are looked for in --path, THREEPC_PLUGIN_PATH, and the folder installed beside the program.\n"
        "Example: threepc plugins list");
    CLI::App& list = *plugins.add_subcommand("list", "All plugins, a line each");
    list.add_option("--path", folders, "A folder to search first (repeatable)")
        ->type_name("DIR")
        ->allow_extra_args(false);
    list.footer("Example: threepc plugins list --path ./my-plugins");
    list.callback([this] { command = [this] { return threepc::cli::list_plugins(folders); }; });
    CLI::App& info = *plugins.add_subcommand("info", "One plugin: paper, parameters, slots");
    info.add_option("ID", plugin_id, "The plugin, as [mechanism] plugin = \"ID\" names it")->required()->type_name("");
    info.add_option("--path", folders, "A folder to search first (repeatable)")
        ->type_name("DIR")
        ->allow_extra_args(false);
    info.footer("Example: threepc plugins info clag");
    info.callback([this] { command = [this] { return threepc::cli::show_plugin(plugin_id, folders); }; });
  }

  void add_config() {
    CLI::App& config = *app.add_subcommand("config", "Look at a configuration without running it");
    config.require_subcommand(1);
    config.footer("Example: threepc config check configs/quickstart.toml");
    CLI::App& check = *config.add_subcommand("check", "Check CONFIG and print it with every default filled in");
    take_config(check);
    check.footer("Example: threepc config check configs/quickstart.toml --set mechanism.compressor.k=5");
    check.callback([this] {
      command = [this] {
        std::fputs(threepc::to_toml(threepc::load_config(options.config, options.set)).c_str(), stdout);
        return Exit::done;
      };
    });
    CLI::App& keys = *config.add_subcommand("keys", "What can stand in a configuration, with defaults and meaning");
    keys.add_option("TABLE", keys_table, "Only those of one table")->type_name("run|run.stop|workers|...");
    keys.add_flag("--markdown", keys_markdown, "As the table of docs/configuration.md");
    keys.footer("Example: threepc config keys run.stop");
    keys.callback([this] { command = [this] { return threepc::cli::list_keys(keys_table, keys_markdown); }; });
  }

  void add_bench() {
    CLI::App& sub = *app.add_subcommand("bench", "How fast compressors, transports and rounds are on this machine");
    sub.add_option("WHAT", bench.what, "compressors, transports, round, or all (default)")
        ->check(CLI::IsMember({"compressors", "transports", "round", "all"}));
    sub.add_option("--config", bench.config, "round: the run to measure, over inproc, shm and tcp")->type_name("FILE");
    sub.add_option("--set", bench.set, "round: override a key of it (repeatable)")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    sub.add_option("--compressor", bench.compressors, "compressors: this one, as \"topk, k=1000\" (repeatable)")
        ->type_name("\"ID, KEY=VALUE\"")
        ->allow_extra_args(false);
    sub.add_option("--dim", bench.dim, "compressors: coordinates of the vector")->check(CLI::Range(1, 1000000000));
    sub.add_option("--dtype", bench.dtype, "compressors: its type")->check(CLI::IsMember({"f32", "f64"}));
    sub.add_option("--megabytes", bench.megabytes, "transports: size of a large message")
        ->check(CLI::Range(1e-5, 4000.0));
    sub.add_flag("--json", bench.json, "One JSON object in place of tables");
    sub.footer("Example: threepc bench compressors --compressor \"topk, fraction=0.01\" --dim 10000000");
    sub.callback([this] { command = [this] { return threepc::bench::run(bench); }; });
  }

  void add_certs() {
    CLI::App& sub = *app.add_subcommand("certs", "Make certificates with which server and workers speak TLS");
    sub.add_option("DIR", certs.folder, "Folder for ca, server and worker (.pem, and .key, which stays secret)")
        ->required()
        ->type_name("");
    sub.add_option("--host", certs.hosts, "A name or IP address under which workers reach the server (repeatable)")
        ->type_name("NAME");
    sub.add_option("--workers", certs.workers, "A certificate for each of N ranks, not one for all")
        ->type_name("N")
        ->check(CLI::Range(1, 100000));
    sub.add_option("--days", certs.days, "How long they are valid")
        ->type_name("N")
        ->check(CLI::Range(1, 36500))
        ->capture_default_str();
    sub.footer(
        "The server's host needs ca.pem, server.pem and server.key; a worker's host ca.pem, worker.pem and "
        "worker.key.\n"
        "They are named by [transport] ca, certificate and key. Keep ca.key off both.\n"
        "Example: threepc certs lab --host server.lab --host 10.0.0.1\n"
        "         threepc serve run.toml --listen 10.0.0.1:5555 --set transport.ca=lab/ca.pem \\\n"
        "             --set transport.certificate=lab/server.pem --set transport.key=lab/server.key\n"
        "         threepc work run.toml --rank 0 --connect 10.0.0.1:5555 --set transport.ca=lab/ca.pem \\\n"
        "             --set transport.certificate=lab/worker.pem --set transport.key=lab/worker.key");
    sub.callback([this] { command = [this] { return threepc::cli::make_certificates(certs); }; });
  }

  void add_report() {
    CLI::App& sub = *app.add_subcommand("report", "Draw runs as one web page that needs no network");
    sub.add_option("RUN", report_options.runs, "The folder of a run (repeatable)")->required()->type_name("DIR");
    sub.add_option("--out", report_options.out, "The page; an earlier report is replaced")
        ->type_name("FILE")
        ->capture_default_str();
    sub.add_flag("--force", report_options.force, "Overwrite FILE even if it is not a report");
    sub.add_flag("--quiet", report_options.quiet, "Do not print FILE when it is written");
    sub.footer("Example: threepc report runs/gd runs/quickstart --out compare.html");
    sub.callback([this] { command = [this] { return threepc::report::write_report(report_options); }; });
  }
};

Exit report(Exit code, const std::string& text) {
  std::fprintf(stderr, "threepc: %s\n", text.c_str());
  return code;
}

/// Names the command that was misspelt, where CLI11 only says that one is required.
std::string usage_error(CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* at = &app;
  std::string path = "threepc";
  for (; !at->get_subcommands().empty(); path += " " + at->get_name()) at = at->get_subcommands().front();
  std::vector<std::string> commands;
  for (const CLI::App* command : at->get_subcommands([](const CLI::App*) { return true; }))
    commands.push_back(command->get_name());
  const std::vector<std::string> words = at->remaining();
  std::string text = error.what();
  if (!words.empty() && words.front().starts_with("-"))
    text = "there is no option '" + words.front() + "'";
  else if (!commands.empty() && !words.empty())
    text = "there is no command '" + path + " " + words.front() + "'" + threepc::suggestion(words.front(), commands);
  if (!commands.empty()) text += "; available: " + threepc::listed(commands);
  return text + "\n  see " + path + " --help";
}

Exit run_command(int argc, char** argv) {
  Program program;
  try {
    program.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) return report(Exit::usage, usage_error(program.app, error));
    program.app.exit(error);
    return Exit::done;
  }
  try {
    return program.command();
  } catch (const threepc::Failure& failure) {
    return report(failure.code(), failure.what());
  } catch (const std::exception& error) {
    return report(Exit::unexpected, error.what());
  }
}

}  // namespace

int main(int argc, char** argv) {
  threepc::cli::make_streams_safe();
  threepc::install_crash_reports();
  return static_cast<int>(threepc::cli::require_printed(run_command(argc, argv)));
}
