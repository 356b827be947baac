//! Swagger UI in a real browser.

use std::path::Path;
use std::process::Command;

use crate::common::{Server, browser, tools};

#[test]
fn a_document_goes_in_through_the_page_and_is_found_again() {
    let Some(chromium) = tools::need("chromium is needed", browser::chromium()) else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/swagger.mjs");
    let driver = browser::driver(&script);
    let Some(folder) = tools::need("node and npm are needed", driver) else { return };
    for front in ["pool", "prefork"] {
        // A browser opens connections ahead of need, and each occupies a pre-forked worker.
        let server = Server::start(&[("FRONT", front), ("WORKERS", "16"), ("ENGINE", "tantivy")]);
        let picture = folder.join(format!("swagger-{front}.png"));
        let ran = Command::new("node")
            .args(["swagger.mjs", &format!("http://{}", server.address)])
            .arg(&picture)
            .env("CHROMIUM", &chromium)
            .current_dir(&folder)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        let wrong = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{front}: {said}\n{wrong}");
        assert!(picture.is_file(), "{front}: a picture of the page");
        assert!(server.metric("example_api_documents_total") > 0.5, "{front}: stored");
    }
}
