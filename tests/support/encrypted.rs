//! A server behind TLS, with certificates of its own authority.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A certificate for this machine and the one that it is signed by.
pub(crate) struct Certified {
    /// Of the authority, as PEM.
    pub(crate) authority_pem: String,
    pub(crate) certificate: Certificate,
    pub(crate) key: KeyPair,
}

/// Makes both.
pub(crate) fn certified() -> Certified {
    let mut params = CertificateParams::new([]).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = KeyPair::generate().expect("a key");
    let authority = CertifiedIssuer::self_signed(params, authority).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::new(["127.0.0.1".to_owned()])
        .and_then(|leaf| leaf.signed_by(&key, &authority))
        .expect("a certificate");
    Certified { authority_pem: authority.pem(), certificate, key }
}

/// A running server; its port is closed when the test process ends.
pub(crate) struct Encrypted {
    pub(crate) address: SocketAddr,
    /// The certificate that its own is signed by.
    pub(crate) ca: PathBuf,
    /// Heads of the requests.
    pub(crate) heads: Arc<Mutex<Vec<String>>>,
    _folder: tempfile::TempDir,
}

impl Encrypted {
    /// Answers every request with `body`, and closes the connection after so many, if after any.
    pub(crate) fn start(body: &'static str, close_after: Option<u32>) -> Self {
        let certified = certified();
        let folder = tempfile::tempdir().expect("a folder");
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, certified.authority_pem).expect("a file");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certified.key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("usual versions")
            .with_no_client_auth()
            .with_single_cert(vec![certified.certificate.der().clone()], key)
            .expect("a certificate with its key");
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (config, seen) = (Arc::clone(&config), Arc::clone(&seen));
                thread::spawn(move || serve(socket, config, body, close_after, &seen));
            }
        });
        Self { address, ca, heads, _folder: folder }
    }
}

fn serve(
    socket: TcpStream,
    config: Arc<ServerConfig>,
    body: &str,
    close_after: Option<u32>,
    seen: &Mutex<Vec<String>>,
) {
    socket.set_nodelay(true).expect("a live socket");
    let Ok(session) = ServerConnection::new(config) else { return };
    let mut stream = BufReader::new(StreamOwned::new(session, socket));
    for served in 1.. {
        let Some((head, length)) = read_head(&mut stream) else { return };
        seen.lock().expect("no panic").push(head);
        if stream.read_exact(&mut vec![0; length]).is_err() {
            return;
        }
        let text = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        if stream.get_mut().write_all(text.as_bytes()).is_err() || Some(served) == close_after {
            return;
        }
    }
}

fn read_head(stream: &mut impl BufRead) -> Option<(String, usize)> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let start = head.len();
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
        let line = head.get(start..)?.to_ascii_lowercase();
        if line.trim().is_empty() {
            return Some((head, length));
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
}
