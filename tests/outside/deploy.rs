//! What `deploy/` holds is what its launchers take, names only settings that there are, and ends what it starts.

use std::collections::BTreeSet;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use plimsoll::app::keys;
use serde_json::Value;

use crate::tools;

/// Variables that are no settings: secrets, what others define, and what only the launchers' files know.
const VARIABLES: &[&str] = &[
    "NATS_TOKEN",
    "NATS_NKEY",
    "NATS_CREDS",
    "NATS_CA",
    "PLIMSOLL_BASIC_AUTH",
    "PLIMSOLL_BEARER_TOKEN",
    "PLIMSOLL_API_KEY",
    "XDG_STATE_HOME",
    "RUN_AS",
    "BUS_PORT",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Every file below `deploy/`.
fn files() -> Vec<PathBuf> {
    let (mut folders, mut found) = (vec![root().join("deploy")], Vec::new());
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    assert!(found.len() > 10, "the files are found: {found:?}");
    found
}

/// Python with the validators, whose folder has the programs beside it.
fn python() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("deploy-python");
    let installed = tools::python(&folder, &root().join("tests/deploy/requirements.txt"));
    tools::need("python3 with venv and pip is needed", installed)
}

/// The program of `tests/deploy/main.go`, which reads files as Compose and Nomad do.
fn reader() -> Option<PathBuf> {
    // Once: a program that one test runs cannot be written by another.
    static DONE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let done = DONE.get_or_init(|| {
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("deploy-reader");
        let mut go = Command::new("go");
        go.args(["build", "-mod=readonly", "-o"]).arg(&program).arg(".");
        tools::run(go.current_dir(root().join("tests/deploy"))).map(|()| program)
    });
    tools::need("go is needed", done.clone())
}

#[track_caller]
fn assert_clean(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Every name that is given a value as in `NAME=value`, and every variable that begins as settings do.
fn names(text: &str) -> BTreeSet<&str> {
    let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let parts = text.split(|c: char| c.is_whitespace() || "\"'`[](){}<>,|".contains(c));
    let given = parts.filter_map(|part| Some(part.split_once('=')?.0));
    let words = text
        .split(|c: char| !is_name(c))
        .filter(|word| word.strip_prefix("PLIMSOLL_").is_some_and(|rest| !rest.is_empty()));
    let is_whole = |name: &&str| name.starts_with(|c: char| c.is_ascii_uppercase());
    given.filter(|name| name.chars().all(is_name)).chain(words).filter(is_whole).collect()
}

/// The value of the word `name` among the arguments of a command.
fn word<'a>(command: &'a Value, name: &str) -> &'a str {
    let words = command.as_array().unwrap().iter().map(|word| word.as_str().unwrap());
    let mut values = words.filter_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    values.next().unwrap_or_else(|| panic!("no {name} in {command}"))
}

/// The coordinator waits for the agents that there are, and sends them where they may send.
#[track_caller]
fn assert_match(coordinator: &Value, agent: &Value, agents: &Value) {
    assert_eq!(word(coordinator, "AGENTS"), agents.to_string(), "as many as are started");
    assert_eq!(word(coordinator, "NATS"), word(agent, "NATS"), "they meet on one bus");
    let target = word(coordinator, "TARGET").trim_start_matches("http://");
    assert_eq!(target, word(agent, "ALLOW_TARGET"), "the target is on the agents' list");
    assert_eq!(word(coordinator, "ALLOW_REMOTE"), "true", "it is not on this machine");
}

#[test]
fn every_setting_that_a_file_or_the_page_names_exists() {
    let mut unknown = BTreeSet::new();
    for path in files().into_iter().chain([root().join("docs/distributed.md")]) {
        let text = fs::read_to_string(&path).unwrap();
        let strange = names(&text).into_iter().filter(|name| {
            let key = name.strip_prefix("PLIMSOLL_").unwrap_or(name);
            !VARIABLES.contains(name) && keys::find(key).is_none()
        });
        unknown.extend(strange.map(|name| format!("{} in {}", name, path.display())));
    }
    assert!(unknown.is_empty(), "no setting has this name: {unknown:#?}");
    let one = names("  - \"P99_MS=5\" {{x}}NATS={{y}} \"$HOME\" a=B=c PLIMSOLL_SEED: '1' a-B=2");
    assert_eq!(one, BTreeSet::from(["P99_MS", "NATS", "PLIMSOLL_SEED"]), "what is looked for");
}

#[test]
fn every_file_that_the_page_names_is_there() {
    let page = read("docs/distributed.md");
    let is_path = |c: char| c.is_ascii_alphanumeric() || "/_-.".contains(c);
    let named = page.split(|c: char| !is_path(c)).filter(|word| {
        word.starts_with("deploy/") || [".yaml", ".svg"].iter().any(|end| word.ends_with(end))
    });
    let named: BTreeSet<&str> = named.collect();
    assert!(named.len() > 10, "it names files: {named:?}");
    for name in named {
        let places = ["", "docs", "deploy/kubernetes"].map(|folder| root().join(folder).join(name));
        assert!(places.iter().any(|path| path.exists()), "{name} does not exist");
    }
}

#[test]
fn kubernetes_takes_the_manifests() {
    let Some(python) = python() else { return };
    let is_manifest = |path: &PathBuf| path.parent().unwrap().ends_with("kubernetes");
    let manifests: Vec<PathBuf> = files().into_iter().filter(is_manifest).collect();
    let validator = python.with_file_name("kubernetes-validate");
    assert_clean(Command::new(&validator).arg("--strict").args(&manifests));
    let convert = "import json,sys,yaml
print(json.dumps([d for f in sys.argv[1:] for d in yaml.safe_load_all(open(f))]))";
    let text = assert_clean(Command::new(&python).args(["-c", convert]).args(&manifests));
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    let find = |kind: &str, name: &str| {
        let mut found =
            all.iter().filter(|it| it["kind"] == kind && it["metadata"]["name"] == name);
        found.next().unwrap_or_else(|| panic!("no {kind} {name}"))
    };

    let (agents, coordinator) =
        (find("Job", "plimsoll-agents"), find("Job", "plimsoll-coordinator"));
    let words = |job: &Value| job["spec"]["template"]["spec"]["containers"][0]["args"].clone();
    assert_match(&words(coordinator), &words(agents), &agents["spec"]["completions"]);
    assert_eq!(agents["spec"]["completions"], agents["spec"]["parallelism"], "all at once");
    let deadline = |job: &Value| job["spec"]["activeDeadlineSeconds"].as_u64().unwrap();
    assert!(deadline(agents) > deadline(coordinator), "no agent ends within a run");
    assert!(deadline(coordinator) > 7200, "PRESET=signoff fits");
    assert_eq!(coordinator["spec"]["backoffLimit"], 0, "no run is made twice");
    assert!(find("Secret", "plimsoll-bus").get("stringData").is_none(), "no token that all know");

    let pods = all.iter().filter_map(|it| match it["kind"].as_str().unwrap() {
        "Pod" => Some(&it["spec"]),
        _ => it["spec"].get("template").map(|template| &template["spec"]),
    });
    let pods: Vec<&Value> = pods.collect();
    assert_eq!(pods.len(), 4, "bus, agents, coordinator, reader");
    for pod in pods {
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{pod}");
        assert_eq!(
            pod["enableServiceLinks"], false,
            "no variable that looks like a setting: {pod}"
        );
        assert_eq!(pod["automountServiceAccountToken"], false, "{pod}");
        for container in pod["containers"].as_array().unwrap() {
            let (security, resources) = (&container["securityContext"], &container["resources"]);
            assert_eq!(security["readOnlyRootFilesystem"], true, "{container}");
            assert_eq!(security["allowPrivilegeEscalation"], false, "{container}");
            assert_eq!(security["capabilities"]["drop"][0], "ALL", "{container}");
            assert!(resources["requests"]["cpu"].is_string(), "{container}");
            assert_eq!(resources["requests"], resources["limits"], "{container}");
        }
    }
    let allowed = &find("NetworkPolicy", "bus")["spec"]["ingress"][0]["from"][0]["podSelector"];
    let roles = &allowed["matchExpressions"][0]["values"];
    let role = |job: &Value| {
        job["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"].clone()
    };
    assert_eq!(*roles, Value::from(vec![role(agents), role(coordinator)]), "who reaches the bus");
}

#[test]
fn compose_takes_its_file_and_no_run_is_without_a_token() {
    let Some(reader) = reader() else { return };
    let mut command = Command::new(reader);
    command.env_clear().arg("compose").arg(root().join("deploy/compose.yaml"));
    let output = command.output().unwrap();
    assert!(!output.status.success(), "no token, no bus");
    assert!(String::from_utf8_lossy(&output.stderr).contains("NATS_TOKEN"), "{output:?}");

    let text = assert_clean(command.env("NATS_TOKEN", "12e4").env("AGENTS", "5"));
    let project: Value = serde_json::from_str(&text).unwrap();
    let services = project["services"].as_object().unwrap();
    let (agent, coordinator) = (&services["agent"], &services["coordinator"]);
    assert_match(&coordinator["command"], &agent["command"], &agent["deploy"]["replicas"]);
    assert_eq!(agent["deploy"]["replicas"], 5, "AGENTS sets both");
    assert_eq!(project["networks"]["bus"]["internal"], true, "the bus is for them alone");
    assert_eq!(services["bus"]["environment"]["QUOTED_TOKEN"], "\"12e4\"", "a text, no number");
    for (name, service) in services {
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["cap_drop"][0], "ALL", "{name}");
        assert!(service.get("ports").is_none(), "{name} is published");
    }
}

#[test]
fn nomad_knows_every_block_and_attribute_of_its_job() {
    let Some(reader) = reader() else { return };
    let job = root().join("deploy/nomad/plimsoll.nomad.hcl");
    assert_clean(Command::new(&reader).arg("nomad").arg(&job));
    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("wrong.nomad.hcl");
    fs::write(&wrong, read(&job).replace("kill_timeout", "kill_timeuot")).unwrap();
    let output = Command::new(&reader).arg("nomad").arg(&wrong).output().unwrap();
    assert!(!output.status.success(), "a slip is found");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("job.group.task.kill_timeuot"), "{said}");
}

#[test]
fn the_image_is_built_from_files_that_are_there_and_are_enough() {
    let text = read("deploy/Containerfile");
    let copies = text.lines().filter_map(|line| line.strip_prefix("COPY "));
    let sources = copies.filter(|line| !line.starts_with("--from")).flat_map(|line| {
        let mut words: Vec<&str> = line.split(' ').collect();
        words.pop();
        words
    });
    let folder = tempfile::tempdir().unwrap();
    for name in sources {
        symlink(root().join(name), folder.path().join(name)).unwrap();
        assert!(folder.path().join(name).exists(), "{name} is copied and is not there");
    }
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--offline", "--format-version=1"]);
    let text = assert_clean(cargo.current_dir(folder.path()));
    for program in ["plimsoll", "example-api"] {
        assert!(text.contains(&format!("\"name\":\"{program}\"")), "{program} can be built");
    }
    if let Some(python) = python() {
        let hadolint = python.with_file_name("hadolint");
        assert_clean(Command::new(hadolint).arg(root().join("deploy/Containerfile")));
    }
}

/// Stands in for `srun`: starts the command once for each task, hands a signal on, waits.
const SRUN: &str = r#"#!/usr/bin/env bash
while [[ $1 == --* ]]; do
    case $1 in --ntasks=*) count=${1#*=} ;; esac
    shift
done
trap 'kill -TERM "${tasks[@]}"' TERM
for ((rank = 0; rank < count; rank++)); do
    SLURM_PROCID=$rank "$@" &
    tasks+=("$!")
done
wait
wait
"#;

/// Stands in for the tool: notes how it was started; a coordinator speaks to the bus once all agents are there, and ends
/// as a run without an answer would, or waits to be ended.
const PLIMSOLL: &str = r#"#!/usr/bin/env bash
echo "$*" >>"$NOTES"
hold() { for _ in {1..300}; do sleep 0.1; done; }
if [[ $1 == agent ]]; then
    name=$4
    trap 'echo "$name ended" >>"$NOTES"; exit 0' TERM
    hold
fi
for _ in {1..100}; do
    (($(grep -c ^agent "$NOTES") == 3)) && break
    sleep 0.1
done
exec 3<>"/dev/tcp/127.0.0.1/$BUS_PORT"
read -r _ <&3
printf 'CONNECT {"auth_token":"%s","verbose":false}\r\nPING\r\n' "$NATS_TOKEN" >&3
read -r answer <&3
echo "bus: ${answer%$'\r'}" >>"$NOTES"
[[ $6 == SEED=1 ]] && exit 3
trap 'echo "coordinator ended" >>"$NOTES"; exit 130' TERM
hold
"#;

/// The batch script on a machine that plays all four nodes.
struct Allocation {
    folder: tempfile::TempDir,
    port: u16,
}

impl Allocation {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("srun", SRUN), ("plimsoll", PLIMSOLL)] {
            let program = folder.path().join(name);
            fs::write(&program, text).unwrap();
            fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::create_dir(folder.path().join("scratch")).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        Self { port: free.local_addr().unwrap().port(), folder }
    }

    fn start(&self, word: &str) -> Child {
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new("bash");
        command.arg(root().join("deploy/slurm/plimsoll.sbatch")).arg(word);
        command.env("PATH", format!("{}:{path}:/usr/sbin", self.folder.path().display()));
        command.env("NOTES", self.folder.path().join("notes"));
        command.env("TMPDIR", self.folder.path().join("scratch"));
        command.env("BUS_PORT", self.port.to_string());
        command.env("SLURMD_NODENAME", "localhost").env("SLURM_JOB_NUM_NODES", "4");
        command.env("TARGET", "http://127.0.0.1:9").env("ALLOW_TARGET", "127.0.0.1:9");
        command.spawn().unwrap()
    }

    fn notes(&self) -> String {
        fs::read_to_string(self.folder.path().join("notes")).unwrap_or_default()
    }

    #[track_caller]
    fn assert_all_ended(&self) {
        let notes = self.notes();
        for rank in 0..3 {
            let started = format!(
                "agent NATS=nats://localhost:{} ALLOW_TARGET=127.0.0.1:9 NAME=agent-{rank}\n",
                self.port
            );
            assert!(notes.contains(&started), "{started} is not in {notes}");
            assert!(notes.contains(&format!("NAME=agent-{rank} ended")), "{rank}: {notes}");
        }
        assert!(notes.contains("bus: PONG"), "the token opens the bus: {notes}");
        assert!(TcpStream::connect(("127.0.0.1", self.port)).is_err(), "the bus is gone");
        let left = fs::read_dir(self.folder.path().join("scratch")).unwrap().count();
        assert_eq!(left, 0, "the token's file is gone");
    }
}

fn nats_server() -> Option<()> {
    let is_there = || {
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap());
        let mut version = Command::new("bash");
        version
            .args(["-c", "nats-server --version"])
            .env("PATH", path)
            .output()
            .is_ok_and(|it| it.status.success())
    };
    if !is_there() {
        tools::install("nats-server");
    }
    let found = if is_there() { Ok(()) } else { Err("no nats-server in PATH".to_owned()) };
    tools::need("nats-server is needed", found)
}

#[test]
fn an_allocation_of_slurm_ends_with_its_run_and_leaves_nothing() {
    if let Some(python) = python() {
        let shellcheck = python.with_file_name("shellcheck");
        assert_clean(Command::new(shellcheck).arg(root().join("deploy/slurm/plimsoll.sbatch")));
    }
    let Some(()) = nats_server() else { return };
    let allocation = Allocation::new();
    let status = allocation.start("SEED=1").wait().unwrap();
    assert_eq!(status.code(), Some(3), "as the run: {}", allocation.notes());
    let started = format!(
        "capacity AGENTS=3 NATS=nats://localhost:{} TARGET=http://127.0.0.1:9 ALLOW_REMOTE=true SEED=1",
        allocation.port
    );
    assert!(allocation.notes().contains(&started), "{}", allocation.notes());
    allocation.assert_all_ended();
}

#[test]
fn an_allocation_that_is_cancelled_lets_the_coordinator_finish_first() {
    let Some(()) = nats_server() else { return };
    let allocation = Allocation::new();
    let mut child = allocation.start("SEED=2");
    for _ in 0..150 {
        if allocation.notes().contains("bus:") {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    // The trap of the stand-in follows its note.
    thread::sleep(Duration::from_millis(300));
    assert_clean(Command::new("kill").args(["-TERM", &child.id().to_string()]));
    let status = child.wait().unwrap();
    let notes = allocation.notes();
    assert_eq!(status.code(), Some(130), "as an interrupted run: {notes}");
    let at = |what: &str| notes.find(what).unwrap_or_else(|| panic!("no {what}: {notes}"));
    assert!(at("coordinator ended") < at("NAME=agent-0 ended"), "{notes}");
    allocation.assert_all_ended();
}
