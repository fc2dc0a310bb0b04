// Every subcommand: adds its options to the program; when it is the one typed, sets the action.
#pragma once

#include "apps/common.h"

namespace longscroll {

void add_read_command(CLI::App& program, Action& action);
void add_generate_command(CLI::App& program, Action& action);
void add_tokenize_commands(CLI::App& program, Action& action);  // tokenize, detokenize
void add_logits_command(CLI::App& program, Action& action);
void add_perplexity_command(CLI::App& program, Action& action);
void add_eval_command(CLI::App& program, Action& action);  // with score, prompts, merge
void add_inspect_command(CLI::App& program, Action& action);
void add_doctor_command(CLI::App& program, Action& action);
void add_convert_command(CLI::App& program, Action& action);
void add_data_command(CLI::App& program, Action& action);  // with the steps of a corpus, run, pack, stats
void add_bench_command(CLI::App& program, Action& action);
void add_rope_command(CLI::App& program, Action& action);  // with plan, map
void add_extend_command(CLI::App& program, Action& action);
void add_report_command(CLI::App& program, Action& action);
void add_models_commands(CLI::App& program, Action& action);  // models, pull

std::string version_text();

}  // namespace longscroll
