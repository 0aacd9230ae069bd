use prost::Message;
use std::time::{Duration, SystemTime};

/// What is done with a request. Without a script every readable one is [accepted](Answer::Accept).
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A success.
    Accept,
    /// A success that says how much was refused, and why. With zero and a text it is a warning.
    Partial {
        /// Points or spans.
        rejected: i64,
        /// For people.
        message: String,
    },
    /// An HTTP status. To an exporter over gRPC it is what a proxy in between would answer.
    Status {
        /// Such as 503.
        status: u16,
        /// More headers than the content type.
        headers: Vec<(String, String)>,
        /// In place of a `google.rpc.Status` in the request's encoding.
        body: Option<Vec<u8>>,
    },
    /// A gRPC status. To an exporter over HTTP it goes as the HTTP status that belongs to it.
    Code {
        /// Such as 14, `UNAVAILABLE`.
        code: i32,
        /// When to come again.
        retry: Option<Duration>,
        /// For people.
        message: String,
    },
    /// A success whose message is no protobuf and no JSON.
    Rubbish,
    /// A success that announces more than follows, and then the end of the connection (of the stream, over gRPC).
    Truncated,
    /// So many bytes of a success, status line included, and then the end of the connection.
    Cut(usize),
    /// Nothing, ever; the connection stays open.
    Hang,
    /// A success, a byte of it each time this has passed.
    Drip(Duration),
    /// Another answer, after this time.
    Late(Duration, Box<Answer>),
    /// The connection is reset, without an answer.
    Reset,
    /// The connection is closed, without an answer.
    Close,
}

/// What each status is over gRPC: OTLP's table of what may be sent again, and the usual mapping for the rest.
const STATUSES: [(i32, u16); 10] =
    [(1, 499), (3, 400), (4, 504), (5, 404), (7, 403), (8, 429), (12, 501), (13, 500), (14, 503), (16, 401)];

impl Answer {
    /// An HTTP status.
    pub fn status(status: u16) -> Answer {
        Answer::Status { status, headers: Vec::new(), body: None }
    }

    /// A gRPC status, by its number.
    pub fn code(code: i32) -> Answer {
        Answer::Code { code, retry: None, message: "as the script says".to_owned() }
    }

    /// With one more header. Says nothing on an answer that has none.
    pub fn header(mut self, name: &str, value: &str) -> Answer {
        if let Answer::Status { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// With `Retry-After` in seconds, or with `RetryInfo` over gRPC.
    pub fn retry_after_seconds(self, seconds: u32) -> Answer {
        match self {
            Answer::Code { code, message, .. } => {
                Answer::Code { code, retry: Some(Duration::from_secs(seconds.into())), message }
            }
            other => other.header("retry-after", &seconds.to_string()),
        }
    }

    /// With `Retry-After` as a date, whose second is cut off as the format demands.
    pub fn retry_after_date(self, at: SystemTime) -> Answer {
        self.header("retry-after", &httpdate::fmt_http_date(at))
    }

    /// Over gRPC, with a `RetryInfo` of this much.
    pub fn retry_info(mut self, after: Duration) -> Answer {
        if let Answer::Code { retry, .. } = &mut self {
            *retry = Some(after);
        }
        self
    }

    /// The same answer, after a time.
    pub fn late(self, after: Duration) -> Answer {
        Answer::Late(after, Box::new(self))
    }

    /// Whether the exporter is told a success, or the beginning of one: its data is then the receiver's.
    pub fn accepts(&self) -> bool {
        match self {
            Answer::Accept | Answer::Partial { .. } | Answer::Rubbish | Answer::Truncated | Answer::Drip(_) => true,
            Answer::Status { status, .. } => (200..300).contains(status),
            Answer::Code { code, .. } => *code == 0,
            Answer::Late(_, answer) => answer.accepts(),
            Answer::Cut(_) | Answer::Hang | Answer::Reset | Answer::Close => false,
        }
    }
}

/// The HTTP status of a gRPC code, and the code of a status.
pub(crate) fn status_of(code: i32) -> u16 {
    STATUSES.iter().find(|(known, _)| *known == code).map_or(if code == 0 { 200 } else { 500 }, |(_, status)| *status)
}

/// See [`status_of`].
pub(crate) fn code_of(status: u16) -> i32 {
    STATUSES.iter().find(|(_, known)| *known == status).map_or(if status < 400 { 0 } else { 2 }, |(code, _)| *code)
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Status {
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub message: String,
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Any {
    #[prost(string, tag = "1")]
    pub type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    delay: Option<Delay>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, PartialEq, Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

impl Status {
    pub fn new(code: i32, message: &str, retry: Option<Duration>) -> Status {
        let details = retry.map(|after| {
            let delay = Delay { seconds: after.as_secs().cast_signed(), nanos: after.subsec_nanos().cast_signed() };
            let value = RetryInfo { delay: Some(delay) }.encode_to_vec();
            Any { type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(), value }
        });
        Status { code, message: message.to_owned(), details: details.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_statuses_lead_back_to_each_other() {
        for (code, status) in STATUSES {
            assert_eq!((status_of(code), code_of(status)), (status, code));
        }
        assert_eq!((status_of(0), code_of(200), status_of(2), code_of(418)), (200, 0, 500, 2));
    }

    #[test]
    fn retry_info_is_what_the_protocol_says() {
        let status = Status::new(14, "busy", Some(Duration::from_millis(1500)));
        assert_eq!(status.details[0].value, [10, 8, 8, 1, 16, 0x80, 0xca, 0xb5, 0xee, 1]);
    }
}
