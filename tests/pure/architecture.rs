//! The layers and the limits of the source, read from the source: what ARCHITECTURE.md promises holds.

use std::fs;
use std::path::{Path, PathBuf};

/// Every module and the modules of the tool that it may name.
const LAYERS: &[(&str, &[&str])] = &[
    ("units", &[]),
    ("seed", &[]),
    ("schedule", &["units", "seed"]),
    ("stats", &["units", "seed"]),
    ("corpus", &["units", "seed"]),
    ("trial", &["units", "seed", "schedule", "stats"]),
    ("profile", &["units", "seed", "corpus", "trial"]),
    ("agents", &["units", "seed", "schedule", "stats", "corpus", "trial", "profile"]),
    ("search", &["units", "seed", "schedule", "stats", "corpus", "trial", "profile"]),
    ("campaign", &["units", "seed", "schedule", "stats", "corpus", "trial", "profile", "search"]),
    ("edge", &["units", "seed", "corpus", "trial", "profile"]),
    ("report", PURE_BELOW_REPORT),
    ("sim", PURE_BELOW_REPORT),
    ("live", ALL_PURE),
    ("target", ALL_PURE),
    ("files", ALL_PURE),
    ("term", ALL_PURE),
    ("page", ALL_PURE),
    ("bus", ALL_PURE),
];
const PURE_BELOW_REPORT: &[&str] = &[
    "units", "seed", "schedule", "stats", "corpus", "trial", "profile", "search", "campaign",
    "edge", "agents",
];
const ALL_PURE: &[&str] = &[
    "units", "seed", "schedule", "stats", "corpus", "trial", "profile", "search", "campaign",
    "edge", "report", "agents",
];
/// Modules without clock, socket, file, terminal or chance of their own.
const PURE: &[&str] = &[
    "units", "seed", "schedule", "stats", "corpus", "trial", "profile", "search", "campaign",
    "edge", "report", "sim", "agents",
];
const BANNED_IN_PURE: &[&str] = &[
    "tokio",
    "hyper::",
    "std::fs",
    "std::net",
    "std::process",
    "Instant",
    "SystemTime",
    "std::thread",
    "thread::",
    "println!",
    "print!(",
    "eprint",
    "RandomState",
    "getrandom",
    "rand::rng()",
    "thread_rng",
    "std::env::",
    "Timestamp::now",
];
/// A clock is asked in one place each.
const CLOCKS: &[(&str, &str)] = &[
    ("Instant::now", "example-api/src/clock.rs"),
    ("clock_gettime", "src/live/clock.rs"),
    ("SystemTime::now", "no file"),
    ("Timestamp::now", "src/files/manifest.rs"),
];
const LEFT_OVER: &[&str] = &["todo!", "unimplemented!", "dbg!", "FIXME", "XXX", "#[ignore"];
const FILE_LINES_MAX: usize = 350;
const FUNCTION_LINES_MAX: usize = 70;

/// The lines of a file before its tests, without comments; numbered from 1.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .enumerate()
        .map(|(number, line)| (number + 1, line.split("//").next().unwrap_or("")))
}

/// The module of the tool that a file belongs to.
fn module_of(path: &str) -> &str {
    let inner = path.strip_prefix("src/").unwrap_or("");
    inner.split('/').next().unwrap_or("").trim_end_matches(".rs")
}

fn banned_words(path: &str, text: &str) -> Vec<String> {
    if !PURE.contains(&module_of(path)) {
        return Vec::new();
    }
    code(text)
        .filter_map(|(number, line)| {
            let word = BANNED_IN_PURE.iter().find(|word| line.contains(**word));
            let word = word.copied().or_else(|| line.contains("async fn").then_some("async fn"))?;
            Some(format!("{path}:{number}: `{word}` in a pure module"))
        })
        .collect()
}

fn wrong_layers(path: &str, text: &str) -> Vec<String> {
    let own = module_of(path);
    let Some((_, allowed)) = LAYERS.iter().find(|(module, _)| *module == own) else {
        return Vec::new();
    };
    let mut wrong = Vec::new();
    for (number, line) in code(text) {
        for rest in line.split("crate::").skip(1) {
            let named: String =
                rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            let is_module = named == "app" || LAYERS.iter().any(|(module, _)| *module == named);
            if is_module && named != own && !allowed.contains(&named.as_str()) {
                wrong.push(format!(
                    "{path}:{number}: `{own}` names `{named}`, which is not below it"
                ));
            }
        }
    }
    wrong
}

fn strayed_clocks(path: &str, text: &str) -> Vec<String> {
    let strays = |(number, line): (usize, &str)| {
        let (word, home) =
            CLOCKS.iter().find(|(word, home)| line.contains(word) && path != *home)?;
        let is_api_clock = path == "example-api/src/clock.rs";
        (!is_api_clock).then(|| format!("{path}:{number}: `{word}` belongs into {home}"))
    };
    code(text).filter_map(strays).collect()
}

fn left_over(path: &str, text: &str) -> Vec<String> {
    text.lines()
        .enumerate()
        .filter_map(|(number, line)| {
            let word = LEFT_OVER.iter().find(|word| line.contains(**word))?;
            Some(format!("{path}:{}: `{word}`", number + 1))
        })
        .collect()
}

/// Casts between kinds of numbers stand in one file; an integer as a float loses nothing that matters.
fn strayed_casts(path: &str, text: &str) -> Vec<String> {
    const KINDS: [&str; 10] =
        ["u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize"];
    if path == "src/units.rs" || !path.starts_with("src/") {
        return Vec::new();
    }
    code(text)
        .filter(|(_, line)| {
            line.split(" as ").skip(1).any(|rest| {
                let kind: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
                KINDS.contains(&kind.as_str())
            })
        })
        .map(|(number, _)| format!("{path}:{number}: a numeric cast outside of src/units.rs"))
        .collect()
}

fn too_long(path: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX {
        wrong.push(format!("{path}: {lines} lines, at most {FILE_LINES_MAX}"));
    }
    // A function ends at the first line that closes a brace at its own indentation.
    let mut begun: Option<(usize, usize)> = None;
    for (number, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let words = line.trim_start();
        let is_start = words.starts_with("fn ") || words.contains(" fn ");
        if begun.is_none() && is_start && !words.starts_with("//") && !words.ends_with(';') {
            begun = Some((number, indent));
        }
        if let Some((start, own)) = begun
            && (line.trim_end() == format!("{}}}", " ".repeat(own)) || words.ends_with("{}"))
        {
            let length = number - start + 1;
            if length > FUNCTION_LINES_MAX {
                wrong.push(format!("{path}:{}: a function of {length} lines", start + 1));
            }
            begun = None;
        }
    }
    wrong
}

fn missing_files(text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || "/_-.".contains(c);
    text.split(|c: char| !is_path(c))
        .map(|word| word.trim_end_matches(['.', '/']))
        .filter(|word| {
            ["src/", "example-api/", "tests/", "docs/"].iter().any(|p| word.starts_with(p))
        })
        .filter(|word| !exists(word))
        .map(|word| format!("ARCHITECTURE.md names `{word}`, which does not exist"))
        .collect()
}

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root.join("src"), root.join("example-api/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(found.len() > 50, "the source is found: {} files", found.len());
    found
}

fn assert_none(rule: fn(&str, &str) -> Vec<String>) {
    let wrong: Vec<String> = sources().iter().flat_map(|(path, text)| rule(path, text)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn pure_modules_know_no_clock_socket_file_terminal_or_chance() {
    assert_none(banned_words);
}

#[test]
fn modules_name_only_the_layers_below_them() {
    assert_none(wrong_layers);
}

#[test]
fn clocks_are_asked_in_one_place() {
    assert_none(strayed_clocks);
}

#[test]
fn nothing_unfinished_is_left() {
    assert_none(left_over);
}

#[test]
fn numeric_casts_stand_in_one_file() {
    assert_none(strayed_casts);
}

#[test]
fn files_and_functions_stay_short() {
    assert_none(too_long);
}

#[test]
fn every_file_that_the_architecture_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    assert!(text.contains("src/"), "it names files");
    assert_eq!(missing_files(&text, |name| root.join(name).exists()), Vec::<String>::new());
}

#[test]
fn every_rule_can_fail() {
    let one = |found: Vec<String>, at: &str| {
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(at), "{found:?}");
    };
    one(banned_words("src/search/mod.rs", "\nuse std::fs;\n"), "src/search/mod.rs:2");
    one(banned_words("src/trial/mod.rs", "async fn run() {}\n"), "src/trial/mod.rs:1");
    one(wrong_layers("src/trial/mod.rs", "use crate::search::Search;\n"), "src/trial/mod.rs:1");
    one(wrong_layers("src/live/mod.rs", "use crate::files::journal;\n"), "src/live/mod.rs:1");
    one(strayed_clocks("src/live/mod.rs", "let t = Instant::now();\n"), "src/live/mod.rs:1");
    one(left_over("src/a.rs", concat!("todo", "!()")), "src/a.rs:1");
    one(strayed_casts("src/trial/mod.rs", "let n = x as u64;\n"), "src/trial/mod.rs:1");
    one(too_long("src/a.rs", &"\n".repeat(351)), "src/a.rs: 351");
    one(too_long("src/a.rs", &format!("fn a() {{\n{}}}\n", "x;\n".repeat(70))), "src/a.rs:1");
    one(missing_files("see `src/gone.rs`.", |_| false), "ARCHITECTURE.md");
}

#[test]
fn comments_and_tests_are_exempt_from_the_layers() {
    let text = "// tokio\nlet a = 1;\n#[cfg(test)]\nmod tests { use std::fs; }\n";
    assert_eq!(banned_words("src/search/mod.rs", text), Vec::<String>::new());
}
