//! What a run rests on: documents, corpus, machine, settings, and what must be known beside the number.

use std::collections::BTreeSet;

use super::words::{count, count_or_dash, is_running, ms, text_or_dash};
use crate::report::caution::{Caution, cautions};
use crate::report::figure::MISSING;
use crate::report::page::axis::grouped;
use crate::report::page::document::{Block, Cell, Column, Section, Table};
use crate::report::schema::{RunRecord, SettingRecord};

/// Figures of a server that are shown; a hostile one may tell of any number.
const SERVER_FIGURES_MAX: usize = 60;

/// What became of the documents.
pub(super) fn documents(run: &RunRecord) -> Section {
    let lead = "A document that was accepted must be there afterwards, and there once.";
    let section = Section::new("documents", "Documents kept", "Documents", lead);
    let held = &run.verification;
    let section = match (&held.not_verified, held.found) {
        (Some(reason), _) => {
            section.with(Block::missing(format!("Nothing was counted: {reason}.")))
        }
        (None, None) if is_running(run) => {
            section.with(Block::missing("What the target holds is counted after the run."))
        }
        (None, None) => section.with(Block::missing(
            "The target cannot count its documents, so what it kept was not verified.",
        )),
        (None, Some(_)) => section,
    };
    let section = section.with(Block::Table {
        table: Table::pairs(
            "",
            vec![
                ("accepted over the whole run", count(held.accepted)),
                ("without an answer: may be there or not", count(held.unknown)),
                ("found afterwards", count_or_dash(held.found)),
                ("lost", count_or_dash(held.lost)),
                ("there twice", count_or_dash(held.doubled)),
                ("there, and accepted by nobody", count_or_dash(held.surplus)),
            ],
        ),
    });
    let section = if held.examples.is_empty() {
        section
    } else {
        section
            .with(Block::text("For instance:"))
            .with(Block::List { items: held.examples.clone() })
    };
    match server_figures(run) {
        Some(table) => section.with(Block::Table { table }),
        None => section,
    }
}

/// What the server told of itself, trial by trial; figures that never were anything but zero are left out.
fn server_figures(run: &RunRecord) -> Option<Table> {
    let told = || run.trials.iter().filter(|trial| !trial.server.is_empty());
    let names: BTreeSet<&String> = told()
        .flat_map(|trial| &trial.server)
        .filter(|(_, value)| value.abs() > 0.0)
        .map(|(name, _)| name)
        .collect();
    let names: Vec<&String> = names.into_iter().take(SERVER_FIGURES_MAX).collect();
    if names.is_empty() {
        return None;
    }
    let mut head = vec![("trial".to_owned(), Column::Word)];
    head.extend(names.iter().map(|name| (name.replace('_', " "), Column::Number)));
    let rows = told().map(|trial| {
        let mut row: Vec<Cell> = vec![trial.id.as_str().into()];
        row.extend(names.iter().map(|name| {
            let value = trial.server.get(*name);
            Cell::from(value.map_or_else(|| MISSING.to_owned(), |value| plain(*value)))
        }));
        row
    });
    let table =
        Table::new("What the server told of itself in every trial", &[]).folded().rows(rows);
    Some(Table { head, ..table })
}

fn plain(value: f64) -> String {
    grouped(value, if value.fract() == 0.0 { 0 } else { 3 })
}

/// What was sent.
pub(super) fn corpus(run: &RunRecord) -> Section {
    let lead = "The same version, settings and numbers are the same documents for ever.";
    let section = Section::new("corpus", "The documents that were sent", "Corpus", lead);
    let Some(corpus) = &run.corpus else {
        return section.with(Block::missing(format!(
            "This result tells nothing of its documents: it was written in version {} of the format, or \
             nothing was sent.",
            run.schema_version
        )));
    };
    let numbers = match (corpus.first_index, corpus.next_index) {
        (Some(first), Some(next)) => {
            format!("{} to {}", count(first), count(next.saturating_sub(1)))
        }
        _ => "none".to_owned(),
    };
    let pairs = vec![
        ("model", corpus.corpus_version.clone()),
        ("seed", corpus.seed.to_string()),
        ("numbers reserved", numbers),
        ("documents that there are", count(corpus.documents)),
        ("kinds and sizes of files", corpus.profile_data.clone()),
        ("order", corpus.order.clone()),
        ("file servers", count(u64::from(corpus.hosts))),
        ("directories", count(u64::from(corpus.dirs))),
        ("users and groups", count(u64::from(corpus.principals))),
        ("mean length of a body", format!("{:.0} bytes", corpus.body_mean_bytes)),
        ("smaller by compression", format!("{:.1} times", corpus.deflate_ratio)),
        ("not as in real file shares", corpus.given_up.join("; ")),
    ];
    section.with(Block::Table { table: Table::pairs("", pairs) })
}

/// The machine and the target.
pub(super) fn environment(run: &RunRecord) -> Section {
    let (machine, target) = (&run.environment, &run.target);
    let memory = machine.memory_bytes.map(|bytes| format!("{:.1} GB", bytes as f64 / 1e9));
    let ports = machine.port_range.map(|[first, last]| format!("{first} to {last}"));
    let files = machine.nofile_soft.zip(machine.nofile_hard);
    let files = files.map(|(soft, hard)| format!("{} of {}", count(soft), count(hard)));
    let load = machine.load_average.map(|load| format!("{load:.2}"));
    let git = run.tool.git_commit.as_deref();
    let tool = match git {
        Some(commit) => format!("{} {} ({commit})", run.tool.name, run.tool.version),
        None => format!("{} {}", run.tool.name, run.tool.version),
    };
    let generator = vec![
        ("tool", tool),
        ("processor", text_or_dash(machine.cpu_model.as_ref())),
        ("cores", count_or_dash(machine.cores)),
        (
            "cores allowed by the control group",
            machine
                .cgroup_cores
                .map_or_else(|| "no limit".to_owned(), |cores| format!("{cores:.1}")),
        ),
        ("memory", text_or_dash(memory.as_ref())),
        ("kernel", text_or_dash(machine.kernel.as_ref())),
        ("container", machine.container.clone().unwrap_or_else(|| "none seen".to_owned())),
        ("load average at the start", text_or_dash(load.as_ref())),
        ("local ports", text_or_dash(ports.as_ref())),
        ("file descriptors", text_or_dash(files.as_ref())),
        ("queue of a listener, at most", count_or_dash(machine.somaxconn)),
        ("host, as a hash", text_or_dash(machine.host_hash.as_ref())),
    ];
    let under_test = vec![
        ("address", target.url.clone()),
        ("spoken to as", target.profile.clone()),
        ("calls itself", text_or_dash(target.server.as_ref())),
        ("started with", text_or_dash(target.command.as_ref())),
        ("workers", count_or_dash(target.workers)),
        ("shape of permissions", target.permissions.clone()),
        ("an indexing request at rest", format!("{} ms", ms(target.base_ms))),
    ];
    Section::new("environment", "Machine and target", "Machine", "")
        .with(Block::Table { table: Table::pairs("The machine of the generator", generator) })
        .with(Block::Table { table: Table::pairs("The target", under_test) })
}

/// Every setting with its origin.
pub(super) fn settings(run: &RunRecord) -> Section {
    let lead = "The same settings and the same seed offer the same load.";
    let section = Section::new("settings", "Settings", "Settings", lead);
    if run.settings.is_empty() {
        return section.with(Block::missing("This result tells nothing of its settings."));
    }
    let head = [("setting", Column::Word), ("value", Column::Prose), ("from", Column::Word)];
    let rows = |is_wanted: fn(&SettingRecord) -> bool| -> Vec<Vec<Cell>> {
        let wanted = run.settings.iter().filter(|(_, setting)| is_wanted(setting));
        let row = |(key, setting): (&String, &SettingRecord)| {
            let value = setting.value.as_str();
            let value = value.map_or_else(|| setting.value.to_string(), str::to_owned);
            vec![key.as_str().into(), value.into(), setting.origin.as_str().into()]
        };
        wanted.map(row).collect()
    };
    let chosen = rows(|setting| setting.origin != "default");
    let left = rows(|setting| setting.origin == "default");
    let caption = format!("{} more, left at their defaults", left.len());
    section
        .with(if chosen.is_empty() {
            Block::text("Everything was left at its default.")
        } else {
            Block::Table { table: Table::new("Set for this run", &head).rows(chosen) }
        })
        .with(Block::Table { table: Table::new(&caption, &head).folded().rows(left) })
}

/// What must be known beside the number.
pub(super) fn beware(run: &RunRecord) -> Section {
    let lead = "What must be known beside the number, and what can be done about it.";
    let section = Section::new("cautions", "Cautions", "Cautions", lead);
    let items = warnings(run);
    if items.is_empty() {
        return section.with(Block::text("None: nothing about this run needs a warning."));
    }
    section.with(Block::List { items })
}

/// Every caution, and every flag that none of them tells.
pub(super) fn warnings(run: &RunRecord) -> Vec<String> {
    // What the target holds is counted after the run.
    let is_early =
        |caution: &Caution| is_running(run) && matches!(caution, Caution::NotCounted { .. });
    let told = cautions(run).into_iter().filter(|caution| !is_early(caution)).map(|caution| {
        let text = caution.to_string();
        let mut letters = text.chars();
        let first = letters.next().map(char::to_uppercase).into_iter().flatten();
        let sentence: String = first.chain(letters).collect();
        format!("{}.", sentence.trim_end_matches('.'))
    });
    let flags = run.capacity.flags.iter().filter_map(|flag| flag_words(flag));
    told.chain(flags.map(str::to_owned)).collect()
}

/// What a flag of the search means, where no caution tells it already.
fn flag_words(flag: &str) -> Option<&'static str> {
    Some(match flag {
        "drift" => {
            "The service was not the same at the end as at the beginning (drift): see whether it fills up, warms up or shares its machine."
        }
        "disturbed" => {
            "The machine was pressed for a while; what was measured meanwhile was measured again (disturbed)."
        }
        "non_monotone" => {
            "A higher rate held again and again where a lower one had failed (non_monotone): the answer is the lower end."
        }
        "indeterminate" => {
            "Trials kept contradicting each other (indeterminate): between the two ends of the interval nothing is known."
        }
        "heavy_tail" => {
            "Service times have a heavy tail (heavy_tail): the interval is not calibrated for such a service."
        }
        "noisy" => {
            "The speed of the service changes from second to second (noisy): the interval is not calibrated for such a service."
        }
        "widened" => {
            "The budget made the precision coarser than the preset's (widened): raise BUDGET_S."
        }
        _ => return None,
    })
}
