//! Start and end of the server, and settings that cannot be used.

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use crate::common::{Answer, DOCUMENT, Server, command};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const FRONTS: [&str; 2] = ["pool", "prefork"];

fn signal(server: &Server, signal: Signal) {
    kill(Pid::from_raw(server.child.id().try_into().unwrap()), signal).unwrap();
}

#[test]
fn the_server_ends_when_its_standard_input_is_closed() {
    for front in FRONTS {
        let mut server = Server::start(&[("FRONT", front)]);
        let idle = server.connect();
        server.close_stdin();
        assert_eq!(server.wait().code(), Some(0), "{front}");
        drop(idle);
    }
}

#[test]
fn sigterm_and_sigint_end_the_server_with_exit_code_0() {
    for front in FRONTS {
        for which in [Signal::SIGTERM, Signal::SIGINT] {
            let mut server = Server::start(&[("FRONT", front)]);
            let idle = server.connect();
            signal(&server, which);
            assert_eq!(server.wait().code(), Some(0), "{front} {which}");
            drop(idle);
        }
    }
}

#[test]
fn a_request_in_progress_is_answered_before_the_end() {
    for front in FRONTS {
        let mut server = Server::start(&[("FRONT", front), ("SERVICE_MS", "500")]);
        let mut request = server.send("POST", "/api/index", DOCUMENT.as_bytes());
        thread::sleep(Duration::from_millis(150));
        signal(&server, Signal::SIGTERM);
        assert_eq!(Answer::read(&mut request).status, 200, "{front}");
        assert_eq!(server.wait().code(), Some(0), "{front}");
    }
}

#[test]
fn a_request_that_takes_too_long_does_not_hold_up_the_end() {
    for front in FRONTS {
        let mut server = Server::start(&[("FRONT", front), ("SERVICE_MS", "60000")]);
        let request = server.send("POST", "/api/index", DOCUMENT.as_bytes());
        thread::sleep(Duration::from_millis(100));
        signal(&server, Signal::SIGTERM);
        assert_eq!(server.wait().code(), Some(0), "{front}");
        drop(request);
    }
}

fn refusal(settings: &[(&str, &str)], arguments: &[&str]) -> String {
    let output = command(settings).args(arguments).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(output.stdout.is_empty(), "nothing on standard output");
    assert_eq!(message.lines().count(), 1, "one line: {message}");
    message
}

#[test]
fn a_bad_setting_ends_the_server_with_exit_code_2_and_one_line_that_names_it() {
    for (name, text) in [
        ("WORKERS", "0"),
        ("WORKERS", "4x"),
        ("SERVICE_MS", "-1"),
        ("SERVICE_MS", "NaN"),
        ("SERVICE_LAW", "gauss"),
        ("FRONT", "threads"),
        ("ENGINE", "real\nor not"),
        ("STALL_MS", "10"),
        ("FAULT", "error:2"),
        ("FAULT", "fire\n:1"),
    ] {
        let message = refusal(&[(name, text)], &["--listen", "127.0.0.1:0"]);
        assert!(message.contains(name), "{name}={text}: {message}");
    }
}

#[test]
fn a_bad_address_is_refused_in_one_line() {
    assert!(refusal(&[], &["--listen", "here"]).contains("--listen"), "names the flag");
}

#[test]
fn a_port_that_is_taken_is_refused_in_one_line() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    assert!(refusal(&[], &["--listen", &address]).contains(&address), "names the address");
}

#[test]
fn help_lists_every_variable_with_its_default() {
    let output = command(&[]).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for (name, default) in [
        ("WORKERS", "4"),
        ("FRONT", "pool"),
        ("QUEUE", "1000"),
        ("BACKLOG", "2048"),
        ("MAX_REQUESTS", "2000"),
        ("RESTART_MS", "300"),
        ("ENGINE", "tantivy"),
        ("QUERY_WORKERS", "0"),
        ("ACK_MS", "4"),
        ("REFRESH_MS", "1000"),
        ("DURABILITY", "request"),
        ("DATA", "none"),
        ("SERVICE_MS", "10"),
        ("SERVICE_LAW", "const"),
        ("STALL_MS", "0"),
        ("STALL_EVERY_MS", "0"),
        ("FAULT", "none"),
    ] {
        let line = help.lines().find(|line| line.trim_start().starts_with(&format!("{name} ")));
        assert!(line.unwrap().ends_with(&format!("[{default}]")), "{name}: {line:?}");
    }
}
