//! The catalogue: about 150 cases in groups, each with the answer that is usual.
//!
//! A case that changes one field leaves the others as they are in a good document, so that the answer speaks of that
//! field alone.

mod body;
mod http;
mod names;
mod permissions;
mod places;
mod sizes;

use super::draft::Draft;
use super::form::Form;
use super::{Case, Expectation, Sending};

pub use permissions::GROWTHS;

/// One value of one field: id, what it is, the usual answer, the text of the value.
struct Value {
    id: &'static str,
    sent: &'static str,
    expected: Expectation,
    text: Vec<u8>,
}

fn value(
    id: &'static str,
    sent: &'static str,
    expected: Expectation,
    text: impl Into<Vec<u8>>,
) -> Value {
    Value { id, sent, expected, text: text.into() }
}

/// What the groups are made with.
struct Maker<'a> {
    form: &'a Form,
    good: &'a mut dyn FnMut() -> Draft,
}

impl Maker<'_> {
    fn draft(&mut self) -> Draft {
        (self.good)()
    }

    fn request(&self, draft: &Draft) -> Sending {
        self.form.request(&draft.text())
    }

    /// A case for each value of `field`.
    fn field(&mut self, field: &'static str, values: Vec<Value>) -> Vec<Case> {
        let case = |it: Value| {
            let draft = self.draft().with(field, it.text);
            one(it.id, it.sent, it.expected, self.request(&draft))
        };
        values.into_iter().map(case).collect()
    }
}

fn one(id: &'static str, sent: &'static str, expected: Expectation, sending: Sending) -> Case {
    Case { id, sent, expected, sendings: vec![sending] }
}

/// All cases, in the order in which they are sent; `good` gives good documents, each once.
pub fn catalogue(form: &Form, good: &mut dyn FnMut() -> Draft) -> Vec<Case> {
    let mut maker = Maker { form, good };
    [
        permissions::cases(&mut maker),
        sizes::cases(&mut maker),
        names::cases(&mut maker),
        places::cases(&mut maker),
        body::cases(&mut maker),
        http::cases(&mut maker),
        repeats(&mut maker),
    ]
    .concat()
}

/// What is sent twice; which of the two counts is the target's affair, and shown.
fn repeats(maker: &mut Maker<'_>) -> Vec<Case> {
    let first = maker.draft();
    let same = [maker.request(&first), maker.request(&first)];
    let other = maker.draft();
    let resized = other.clone().with("file_size", "4711");
    let other = [maker.request(&other), maker.request(&resized)];
    let case = |id, sent, sendings: [Sending; 2]| Case {
        id,
        sent,
        expected: Expectation::Either,
        sendings: sendings.to_vec(),
    };
    vec![
        case("repeat-exact", "a document twice", same),
        case("repeat-resized", "the same path, another size", other),
    ]
}
