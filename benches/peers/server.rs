//! nginx on one core, answering from memory.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// The core of the server; clients run on the other one.
const CORE: &str = "0";

/// A running nginx; it ends with its handle.
pub(crate) struct Nginx {
    child: Child,
    pub(crate) url: String,
    /// Its configuration and temporary files.
    pub(crate) folder: TempDir,
}

impl Nginx {
    /// Starts one on a free port; `None` where it is not installed.
    pub(crate) fn start() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = port.expect("a free port").port();
        let path = folder.path().display();
        let paths = format!(
            "client_body_temp_path {path}/b; proxy_temp_path {path}/p; fastcgi_temp_path {path}/f; uwsgi_temp_path {path}/u; scgi_temp_path {path}/s;"
        );
        let text = format!(
            "daemon off; master_process off; worker_processes 1;\npid {path}/pid; error_log {path}/error.log;\nevents {{ worker_connections 8192; }}\nhttp {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;\n{paths}server {{ listen 127.0.0.1:{port}; default_type application/json;\nlocation = /api/index {{ return 200 '\"OK\"'; }}\nlocation = /api/query/dashboard {{ return 200 '{{}}'; }} }} }}\n"
        );
        fs::write(folder.path().join("nginx.conf"), text).expect("a configuration");
        let url = format!("http://127.0.0.1:{port}");
        let child = Command::new("taskset")
            .args(["-c", CORE, "nginx", "-c"])
            .arg(folder.path().join("nginx.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut server = Self { child, url, folder };
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(server);
            }
            if server.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return None;
            }
            thread::sleep(Duration::from_millis(50));
        }
        None
    }

    /// The URL of the indexing endpoint.
    pub(crate) fn index(&self) -> String {
        format!("{}/api/index", self.url)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
