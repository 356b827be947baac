//! The description of the interface, and whether the server does what it says.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{DOCUMENT, Server, tools};
use serde_json::json;

const FRONTS: [&str; 2] = ["pool", "prefork"];

#[test]
fn the_description_and_its_page_cost_no_work() {
    for front in FRONTS {
        let settings = [
            ("FRONT", front),
            ("WORKERS", "1"),
            ("SERVICE_MS", "5000"),
            ("MAX_REQUESTS", "2"),
            ("RESTART_MS", "60000"),
        ];
        let server = Server::start(&settings);
        for _ in 0..5 {
            let description = server.ask("GET", "/api-docs/openapi.json", "").json();
            assert_eq!(description["openapi"], "3.1.0", "{front}");
            assert_eq!(server.ask("GET", "/swagger-ui/", "").status, 200, "{front}");
        }
        let requests = "example_api_worker_requests_total{worker=\"0\"}";
        assert_eq!(server.metric(requests).to_string(), "0", "{front}");
    }
}

#[test]
fn the_page_names_no_other_host_and_may_ask_none() {
    for front in FRONTS {
        let server = Server::start(&[("FRONT", front)]);
        for path in ["/swagger-ui/", "/swagger-ui/swagger-initializer.js"] {
            let answer = server.ask("GET", path, "");
            assert_eq!(answer.status, 200, "{path}");
            assert!(!answer.body.contains("://"), "{path} names a host: {}", answer.body);
            let policy = answer.header("content-security-policy").unwrap();
            assert!(policy.starts_with("default-src 'self';"), "{path}: {policy}");
        }
        let moved = server.ask("GET", "/swagger-ui", "");
        assert_eq!((moved.status, moved.header("location")), (303, Some("/swagger-ui/")), "moved");
    }
}

#[test]
fn what_the_page_does_not_have_is_a_complaint_like_all_others() {
    let server = Server::start(&[]);
    for (method, path, status) in [
        ("GET", "/swagger-ui/nothing.js", 404),
        ("GET", "/swagger-ui/../src/main.rs", 404),
        ("POST", "/swagger-ui/", 405),
        ("PUT", "/api-docs/openapi.json", 405),
    ] {
        let answer = server.ask(method, path, "");
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        assert!(answer.json()["error"].is_string(), "{answer:?}");
    }
}

#[test]
fn every_answer_of_the_server_has_its_place_in_the_description() {
    for engine in ["tantivy", "model", "compat"] {
        let server = Server::start(&[("ENGINE", engine)]);
        every_answer_is_described(&server);
    }
}

fn every_answer_is_described(server: &Server) {
    let description = server.ask("GET", "/api-docs/openapi.json", "").json();
    for (method, path, body) in [
        ("POST", "/api/index", DOCUMENT),
        ("POST", "/api/index", "{"),
        ("POST", "/api/index", "{}"),
        ("POST", "/api/index", &" ".repeat(2 * 1024 * 1024)),
        ("GET", "/api/query/dashboard", ""),
        ("GET", "/api/query/count", ""),
        ("GET", "/api/query/count?distinct=true", ""),
        ("GET", "/api/query/count?distinct=perhaps", ""),
        ("GET", "/api/query/search", ""),
        ("GET", "/api/query/search?q=plan&host=h1&ext=txt&from=0&size=5", ""),
        ("GET", "/api/query/search?from=9999&size=2", ""),
        ("GET", "/metrics", ""),
    ] {
        let answer = server.ask(method, path, body);
        let path = path.split('?').next().unwrap();
        let operation = &description["paths"][path][method.to_lowercase()];
        let response = &operation["responses"][answer.status.to_string()];
        assert!(response.is_object(), "{method} {path}: {} is not described", answer.status);
        let kind = answer.header("content-type").unwrap().split(';').next().unwrap();
        assert!(response["content"][kind].is_object(), "{method} {path}: {kind} is not described");
        if answer.status == 422 {
            let schema = &response["content"][kind]["schema"]["$ref"];
            assert_eq!(schema, &json!("#/components/schemas/FieldError"), "{path}");
        }
    }
}

/// The program that tests an API against its description, installed beside the build once.
fn schemathesis() -> Result<PathBuf, String> {
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/requirements.txt");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemathesis");
    let program = folder.join("bin/schemathesis");
    if tools::is_installed(&folder, &[&requirements]) && program.exists() {
        return Ok(program);
    }
    tools::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let mut install = Command::new(folder.join("bin/python"));
    install.args(["-m", "pip", "install", "-q", "-r"]).arg(&requirements);
    tools::run(&mut install)?;
    tools::mark_installed(&folder, &[&requirements]);
    Ok(program)
}

#[test]
fn no_request_that_the_description_allows_or_forbids_breaks_the_server() {
    let need = "python3 with venv and pip is needed";
    let Some(program) = tools::need(need, schemathesis()) else { return };
    for (front, examples) in [("pool", "300"), ("prefork", "50")] {
        let server = Server::start(&[("FRONT", front), ("ENGINE", "tantivy")]);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("schemathesis-{front}"));
        std::fs::create_dir_all(&folder).unwrap();
        let ran = Command::new(&program)
            .args(["--no-color", "--config-file"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemathesis.toml"))
            .args(["run", &format!("http://{}/api-docs/openapi.json", server.address)])
            .args(["--max-examples", examples, "--seed", "1", "--request-timeout", "10"])
            .args(["--phases", "examples,coverage,fuzzing"])
            .current_dir(&folder)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        let wrong = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{front}:\n{said}\n{wrong}");
        assert!(server.metric("example_api_documents_total") > 9.5, "{front}: none got through");
    }
}
