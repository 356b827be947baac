//! Directories and hosts: whatever a file server may call them.

use super::{Maker, Value, value};
use crate::edge::Case;
use crate::edge::Expectation::{Accept, Reject};
use crate::edge::draft::quoted;

pub(super) fn cases(maker: &mut Maker<'_>) -> Vec<Case> {
    let mut cases = maker.field("directory", directories());
    cases.extend(maker.field("host", hosts()));
    cases
}

fn directories() -> Vec<Value> {
    let deep = format!("/{}", "level/".repeat(40));
    let long = format!("/{}/", "d".repeat(4094));
    vec![
        value("directory-empty", "an empty directory", Accept, quoted("")),
        value("directory-root", "/", Accept, quoted("/")),
        value("directory-open", "no slash at the end", Accept, quoted("/srv/legal")),
        value("directory-drive", "C:\\Users\\...", Accept, quoted("C:\\Users\\jane\\Documents\\")),
        value("directory-share", "\\\\server\\share", Accept, quoted("\\\\server\\share\\")),
        value("directory-deep", "40 levels", Accept, quoted(&deep)),
        value("directory-4096", "4,096 bytes", Accept, quoted(&long)),
        value("directory-double", "//double//", Accept, quoted("//double//")),
        value("directory-spaces", "spaces", Accept, quoted("/srv/two  words/ /")),
        value("directory-null", "null", Reject, "null"),
    ]
}

fn hosts() -> Vec<Value> {
    let label = "h".repeat(62);
    let long = format!("{label}.{label}.{label}.{label}.h");
    vec![
        value("host-empty", "an empty host", Accept, quoted("")),
        value("host-ipv6", "an IPv6 address", Accept, quoted("2001:db8::1")),
        value("host-253", "253 characters", Accept, quoted(&long)),
        value("host-underscore", "an underscore", Accept, quoted("file_server_1")),
        value("host-upper", "upper case", Accept, quoted("FILESERVER1")),
        value("host-unknown", "a host that nobody knows", Accept, quoted("edge.invalid")),
        value("host-null", "null", Reject, "null"),
    ]
}
