//! The queries over the documents themselves: how many there are, and which.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use crate::api::{Api, complaint, respond, serve, visit_of};
use crate::store::{REACH_MAX, SIZE_MAX, Search};
use crate::worker::Work;

/// Documents of an answer when the question does not say.
const SIZE: usize = 10;

/// A parameter that cannot be used.
#[derive(Debug, PartialEq, Eq)]
struct Wrong {
    field: String,
    error: String,
}

/// How many documents can be searched. The front answers, as it does for the metrics, without a
/// worker; only the number of distinct names is a worker's business.
pub(crate) async fn count(State(api): State<Api>, request: Request) -> Response {
    let arrived_ns = api.shared.clock.now_ns();
    let Some(store) = &api.shared.store else { return no_documents() };
    let is_distinct = match is_distinct(request.uri().query().unwrap_or_default()) {
        Ok(is_distinct) => is_distinct,
        Err(wrong) => return refuse(&wrong),
    };
    let visit = visit_of(&request);
    if is_distinct {
        return serve(&api, Work::Distinct, visit.as_ref(), arrived_ns).await;
    }
    if let Some(visit) = visit {
        visit.mark_scrape();
    }
    respond(StatusCode::OK, &json!({"documents": store.searchable_documents()}))
}

/// Documents with given words, host or extension.
pub(crate) async fn search(State(api): State<Api>, request: Request) -> Response {
    let arrived_ns = api.shared.clock.now_ns();
    if api.shared.store.is_none() {
        return no_documents();
    }
    match search_of(request.uri().query().unwrap_or_default()) {
        Ok(search) => {
            let visit = visit_of(&request);
            serve(&api, Work::Search(search), visit.as_ref(), arrived_ns).await
        }
        Err(wrong) => refuse(&wrong),
    }
}

fn no_documents() -> Response {
    complaint(StatusCode::NOT_FOUND, "this engine keeps no documents; use ENGINE=tantivy")
}

fn refuse(wrong: &Wrong) -> Response {
    let answer = json!({"error": wrong.error, "field": wrong.field});
    respond(StatusCode::UNPROCESSABLE_ENTITY, &answer)
}

fn is_distinct(query: &str) -> Result<bool, Wrong> {
    let mut is_distinct = false;
    for (name, value) in pairs(query)? {
        is_distinct = match (name.as_str(), value.as_str()) {
            ("distinct", "true") => true,
            ("distinct", "false") => false,
            ("distinct", _) => return Err(wrong("distinct", "must be true or false")),
            _ => return Err(unknown(&name)),
        };
    }
    Ok(is_distinct)
}

fn search_of(query: &str) -> Result<Search, Wrong> {
    let mut search = Search { size: SIZE, ..Search::default() };
    for (name, value) in pairs(query)? {
        match name.as_str() {
            "q" => search.q = Some(value),
            "host" => search.host = Some(value),
            "ext" => search.ext = Some(value),
            "from" => {
                search.from =
                    value.parse().ok().ok_or_else(|| wrong("from", "must be a whole number"))?;
            }
            "size" => {
                let size = value.parse().ok().filter(|size| *size <= SIZE_MAX);
                let fault = format!("must be a whole number up to {SIZE_MAX}");
                search.size = size.ok_or_else(|| wrong("size", &fault))?;
            }
            _ => return Err(unknown(&name)),
        }
    }
    if search.from.saturating_add(search.size) > REACH_MAX {
        return Err(wrong("from", &format!("and size must be at most {REACH_MAX} together")));
    }
    Ok(search)
}

/// The parameters of a query string, each of them once.
fn pairs(query: &str) -> Result<Vec<(String, String)>, Wrong> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let fault = "is not valid percent-encoded text";
        let name = decode(name).ok_or_else(|| wrong("query", fault))?;
        let value = decode(value).ok_or_else(|| wrong(&name, fault))?;
        if pairs.iter().any(|(known, _)| *known == name) {
            return Err(wrong(&name, "is given twice"));
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

fn unknown(name: &str) -> Wrong {
    wrong(name, "is no parameter of this path")
}

fn wrong(field: &str, fault: &str) -> Wrong {
    let field: String = field.chars().take(100).collect();
    Wrong { error: format!("{field} {fault}"), field }
}

/// Undoes the encoding of forms: `+` is a blank, `%41` a byte.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parameters_that_cannot_be_used_are_named() {
        for (query, field) in [
            ("size=1001", "size"),
            ("size=-1", "size"),
            ("size=ten", "size"),
            ("from=1.5", "from"),
            ("from=9991", "from"),
            ("from=99999999999999999999", "from"),
            ("colour=red", "colour"),
            ("q=a&q=b", "q"),
            ("q=%zz", "q"),
            ("host=%ff", "host"),
            ("ext=%4", "ext"),
        ] {
            let wrong = search_of(query).expect_err(query);
            assert_eq!(wrong.field, field, "{query}: {wrong:?}");
        }
        for query in ["distinct=1", "distinct"] {
            assert_eq!(is_distinct(query).expect_err(query).field, "distinct", "{query}");
        }
    }

    #[test]
    fn what_is_not_given_has_its_default() {
        assert_eq!(search_of(""), Ok(Search { size: 10, ..Search::default() }), "nothing");
        let all = Search {
            q: Some("a b".to_owned()),
            host: Some("h&1".to_owned()),
            ext: Some(String::new()),
            from: 9990,
            size: 10,
        };
        assert_eq!(search_of("q=a+b&host=h%261&ext=&from=9990&size=10&"), Ok(all), "all");
        assert_eq!(is_distinct("distinct=true"), Ok(true), "asked for");
    }

    proptest! {
        #[test]
        fn every_text_comes_through_its_encoding(text in any::<String>()) {
            let encoded: Vec<String> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            prop_assert_eq!(decode(&encoded.concat()), Some(text));
        }

        #[test]
        fn no_query_makes_the_parser_panic(query in any::<String>()) {
            drop(search_of(&query));
            drop(is_distinct(&query));
        }
    }
}
