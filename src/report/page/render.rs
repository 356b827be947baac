//! From a document to HTML: one file that asks nobody for anything.
//!
//! The template escapes every text. Three things pass as they are: the charts, which the drawing library has
//! escaped, and the page's own script and style, which the policy in its head names by their hashes. Nothing
//! else runs, whatever a target has answered.

use std::sync::OnceLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, context};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::document::{Block, Document};
use super::{Body, Mode, PageError};

const PAGE: &str = include_str!("assets/page.html");
const BODY: &str = include_str!("assets/body.html");
const STYLE: &str = include_str!("assets/page.css");
const SCRIPT: &str = include_str!("assets/page.js");
const LIVE_SCRIPT: &str = include_str!("assets/live.js");
const PLOT_STYLE: &str = include_str!("assets/uPlot.min.css");
const PLOT_SCRIPT: &str = include_str!("assets/uPlot.iife.min.js");
/// Its licence asks to be kept with every copy.
const PLOT_LICENSE: &str = include_str!("assets/uPlot.LICENSE");

/// The inner part of a page, and what its script draws.
///
/// # Errors
/// When the template fails: a fault of this program.
pub fn body(document: &Document, mode: Mode) -> Result<Body, PageError> {
    let html = environment()?.get_template("body.html")?.render(context! {
        page => Serde(document),
        is_live => mode == Mode::Live,
    })?;
    Ok(Body { title: document.title.clone(), html, data: data(document) })
}

/// A whole page.
///
/// # Errors
/// When the template fails: a fault of this program.
pub fn document(document: &Document, mode: Mode) -> Result<String, PageError> {
    frame(&body(document, mode)?, mode)
}

/// A whole page around its inner part.
///
/// # Errors
/// When the template fails: a fault of this program.
pub fn frame(body: &Body, mode: Mode) -> Result<String, PageError> {
    let plot_script = format!("/*{PLOT_LICENSE}*/\n{PLOT_SCRIPT}");
    let style = format!("{PLOT_STYLE}\n{STYLE}");
    let live_script = if mode == Mode::Live { LIVE_SCRIPT } else { "" };
    let page = environment()?.get_template("page.html")?.render(context! {
        title => body.title.as_str(),
        policy => policy(&[&plot_script, SCRIPT, live_script], &style, mode),
        body => body.html.as_str(),
        data => island(&body.data)?,
        style,
        plot_script,
        script => SCRIPT,
        live_script,
    })?;
    Ok(page)
}

/// The templates, read once.
fn environment() -> Result<&'static Environment<'static>, PageError> {
    static READ: OnceLock<Environment<'static>> = OnceLock::new();
    if let Some(environment) = READ.get() {
        return Ok(environment);
    }
    let environment = templates()?;
    Ok(READ.get_or_init(|| environment))
}

fn templates() -> Result<Environment<'static>, PageError> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    // A name that the template has wrong is an error, not an empty place on the page.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_template("body.html", BODY)?;
    environment.add_template("page.html", PAGE)?;
    Ok(environment)
}

/// What the script draws: the charts by their place in the document.
fn data(document: &Document) -> Value {
    let blocks = document.sections.iter().flat_map(|section| &section.blocks);
    let charts = blocks.filter_map(|block| match block {
        Block::Chart { figure, .. } => Some(figure.data.clone()),
        _ => None,
    });
    json!({ "charts": charts.collect::<Vec<Value>>() })
}

/// JSON that no HTML can end: what would open a tag or a comment is written as an escape.
fn island(data: &Value) -> Result<String, PageError> {
    let text = serde_json::to_string(data)?;
    Ok(text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"))
}

/// Nothing is loaded, nothing runs but what is named here.
fn policy(scripts: &[&str], style: &str, mode: Mode) -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let scripts = scripts.iter().filter(|script| !script.is_empty());
    let scripts: Vec<String> = scripts.map(|script| hash(script)).collect();
    let connect = if mode == Mode::Live { "; connect-src 'self'" } else { "" };
    format!(
        "default-src 'none'; script-src {}; style-src {}{connect}; base-uri 'none'; form-action 'none'",
        scripts.join(" "),
        hash(style)
    )
}
