//! Encrypted connections: whom to trust, and a session that turns requests into records and back.
//!
//! The session has no socket of its own (rustls), so that an encrypted connection is paced, stamped and bounded like
//! any other.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::sys::socket::{MsgFlags, send};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

/// Whom an encrypted connection trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Whom the system trusts.
    System,
    /// Certificates that are signed by one in this file (PEM).
    File(PathBuf),
    /// Anybody: the traffic is encrypted, but whoever answers may be somebody else.
    Anybody,
}

/// Why no encrypted connection can be made at all.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read, or holds no certificate.
    #[error("CA={path}: {reason}; give a file with certificates in PEM form")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The system has no certificates.
    #[error("this system has no trusted certificates; install ca-certificates, or give CA=FILE")]
    NoRoots,
    /// The host cannot stand in a certificate.
    #[error("TARGET: `{0}` is neither a name nor an address that a certificate could hold")]
    Name(String),
    /// The library refuses its own settings.
    #[error("TLS cannot be used: {0}")]
    Library(#[from] Error),
}

/// How to open encrypted connections to one host.
#[derive(Debug, Clone)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl TlsClient {
    /// For the host of this name or address.
    ///
    /// # Errors
    /// When there is nobody to trust, or the name cannot stand in a certificate.
    pub fn new(host: &str, trust: &Trust) -> Result<Self, TlsError> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_not_a_name| TlsError::Name(host.to_owned()))?;
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = match trust {
            Trust::System => builder.with_root_certificates(system_roots()?),
            Trust::File(path) => builder.with_root_certificates(roots_in(path)?),
            Trust::Anybody => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Gullible { provider })),
        };
        let mut config = builder.with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), name })
    }

    /// The session of a new connection.
    ///
    /// # Errors
    /// When the library refuses.
    pub(super) fn session(&self) -> Result<Session, Error> {
        let mut inner = ClientConnection::new(Arc::clone(&self.config), self.name.clone())?;
        // A request is handed over whole, however long.
        inner.set_buffer_limit(None);
        Ok(Session { inner })
    }
}

fn system_roots() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let (added, _) =
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 { Err(TlsError::NoRoots) } else { Ok(roots) }
}

fn roots_in(path: &Path) -> Result<RootCertStore, TlsError> {
    let failed = |reason: String| TlsError::File { path: path.display().to_string(), reason };
    let text = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| failed(error.to_string()))?;
        roots.add(certificate).map_err(|error| failed(error.to_string()))?;
    }
    if roots.is_empty() { Err(failed("it holds no certificate".to_owned())) } else { Ok(roots) }
}

/// Takes every certificate; that the other side holds its key is still checked.
#[derive(Debug)]
struct Gullible {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Gullible {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The encryption of one connection.
#[derive(Debug)]
pub(super) struct Session {
    inner: ClientConnection,
}

impl Session {
    /// Whether the two sides have yet to agree.
    pub(super) fn is_handshaking(&self) -> bool {
        self.inner.is_handshaking()
    }

    /// Whether something is still to be sent.
    pub(super) fn has_unsent(&self) -> bool {
        self.inner.wants_write()
    }

    /// Takes a whole request, to be sent by [`Self::flush`].
    ///
    /// # Errors
    /// When the session has ended.
    pub(super) fn put(&mut self, request: &[u8]) -> io::Result<()> {
        self.inner.writer().write_all(request)
    }

    /// Sends what is ready to be sent; how many bytes the system took.
    ///
    /// # Errors
    /// As the system reports them; `WouldBlock` when it takes no more now.
    pub(super) fn flush(&mut self, socket: &TcpStream) -> (usize, io::Result<()>) {
        let mut sent = 0;
        while self.inner.wants_write() {
            match self.inner.write_tls(&mut NoSignal(socket)) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return (sent, Err(error)),
            }
        }
        (sent, Ok(()))
    }

    /// Takes what has come and appends to `plain` what it says.
    ///
    /// # Errors
    /// What is wrong with it: no TLS, a certificate that is not trusted, an alert.
    pub(super) fn take(&mut self, bytes: &[u8], plain: &mut Vec<u8>) -> Result<(), Error> {
        let mut rest = bytes;
        while !rest.is_empty() {
            // Reading from memory fails only where the session takes no more before it is read.
            let count = self.inner.read_tls(&mut rest).unwrap_or_default();
            let state = self.inner.process_new_packets()?;
            let start = plain.len();
            plain.resize(start + state.plaintext_bytes_to_read(), 0);
            if let Some(room) = plain.get_mut(start..) {
                let read = self.inner.reader().read(room).unwrap_or_default();
                plain.truncate(start + read);
            }
            if count == 0 {
                break;
            }
        }
        Ok(())
    }
}

/// Writes to a socket without being killed where the other side has gone.
struct NoSignal<'a>(&'a TcpStream);

impl Write for NoSignal<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(self.0.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
