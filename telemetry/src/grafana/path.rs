//! Paths and queries, put together so that no name can leave its place.

use super::error::Error;
use crate::outbound::encoded;

/// `parts` after each other: what begins with `/` is our own and stays, all else is a name and becomes one segment.
///
/// # Errors
/// A name that no segment can hold.
pub(super) fn path(parts: &[&str]) -> Result<String, Error> {
    let mut path = String::new();
    for (index, part) in parts.iter().enumerate() {
        if index % 2 == 0 {
            path.push_str(part);
            continue;
        }
        // Even encoded, servers and proxies take these for the folder itself and the one above.
        if ["", ".", ".."].contains(part) {
            return Err(Error::Argument {
                what: "a name or uid",
                value: (*part).to_owned(),
                takes: "a text that is not empty, \".\" or \"..\"",
            });
        }
        path.push('/');
        path.push_str(&encoded(part));
    }
    Ok(path)
}

/// `?a=b&c=d`, or nothing.
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        query.push(if query.is_empty() { '?' } else { '&' });
        query.push_str(name);
        query.push('=');
        query.push_str(&encoded(value));
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_one_segment_each() {
        let path = path(&["/api/folder", "a/b c", "/rule-groups", "é?#%"]).unwrap();
        assert_eq!(path, "/api/folder/a%2Fb%20c/rule-groups/%C3%A9%3F%23%25");
        for name in ["", ".", ".."] {
            assert!(matches!(super::path(&["/api", name]), Err(Error::Argument { .. })), "{name}");
        }
        assert_eq!(query(&[("tag", "a&b"), ("limit", "5")]), "?tag=a%26b&limit=5");
        assert_eq!(query(&[]), "");
    }
}
