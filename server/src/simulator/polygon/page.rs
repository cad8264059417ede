//! Pages with `next_url`, an absolute URL on our own host without the key, absent on the last page.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::simulator::asked::Asked;
use crate::simulator::faults::{Kind, Mischief};
use crate::simulator::gate::{self, Caller};

/// Where a page on another host would lie: a name that no resolver knows (RFC 2606).
pub const FOREIGN: &str = "https://pages.invalid";

/// Cuts `rows` to a page and tells the first row of the next one. Where pages are to overlap, the last row is said twice
/// and begins the next page too, unless it is alone, so that paging still ends.
pub fn trim<T: Clone>(rows: &mut Vec<T>, limit: usize, mischief: Mischief) -> Option<T> {
    let more = rows.get(limit).cloned();
    rows.truncate(limit);
    if !mischief.is(Kind::DuplicatePages) {
        return more;
    }
    let last = rows.last().cloned();
    let next = if rows.len() > 1 { more.and(last.clone()) } else { more };
    rows.extend(last);
    next
}

/// One of the vendor's lists: where it is, how many rows a page has, and whether the envelope counts them.
#[derive(Debug, Clone, Copy)]
pub struct Sheet {
    pub path: &'static str,
    pub limit: usize,
    pub is_counted: bool,
}

/// The rows from the cursor's place on, in the vendor's envelope.
pub fn listed<T: Clone>(
    Sheet { path, limit, is_counted }: Sheet,
    all: Vec<T>,
    asked: &Asked,
    caller: &Caller,
    mischief: Mischief,
    say: impl Fn(&T) -> Value,
) -> Response<Body> {
    let total = all.len();
    let mut rows: Vec<T> = all.into_iter().skip(asked.offset).take(limit.saturating_add(1)).collect();
    let page = rows.len().min(limit);
    trim(&mut rows, limit, mischief);
    let overlap = usize::from(mischief.is(Kind::DuplicatePages) && page > 1);
    let mut next = (asked.offset + page < total).then(|| (caller.origin.as_str(), asked.offset + page - overlap));
    if mischief.is(Kind::LoopPages) {
        next = Some((&caller.origin, asked.offset));
    }
    if mischief.is(Kind::ForeignHost) {
        next = Some((FOREIGN, asked.offset + page));
    }
    let mut body = json!({"results": rows.iter().map(say).collect::<Vec<_>>(), "status": "OK", "request_id": caller.request_id});
    if let Value::Object(fields) = &mut body {
        if is_counted {
            fields.insert("count".to_owned(), json!(rows.len()));
        }
        if let Some((host, offset)) = next {
            fields.insert("next_url".to_owned(), json!(format!("{host}{path}?cursor={}", asked.cursor(offset))));
        }
    }
    gate::answer(StatusCode::OK, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trimmed(rows: &[u32], limit: usize, kind: Option<Kind>) -> (Vec<u32>, Option<u32>) {
        let mut rows = rows.to_vec();
        let next = trim(&mut rows, limit, Mischief { kind, seconds: 0.0 });
        (rows, next)
    }

    #[test]
    fn pages_end_and_may_overlap() {
        assert_eq!(trimmed(&[1, 2, 3], 2, None), (vec![1, 2], Some(3)));
        assert_eq!(trimmed(&[1, 2], 2, None), (vec![1, 2], None));
        assert_eq!(trimmed(&[1, 2, 3], 2, Some(Kind::DuplicatePages)), (vec![1, 2, 2], Some(2)));
        assert_eq!(trimmed(&[1, 2], 1, Some(Kind::DuplicatePages)), (vec![1, 1], Some(2)));
        assert_eq!(trimmed(&[], 1, Some(Kind::DuplicatePages)), (vec![], None));
    }
}
