/// What a sender sent.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Names and values of the headers, in their order.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body, whole.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// The first header of a name, whatever its case; empty when there is none.
    pub fn header(&self, name: &str) -> &'a str {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    /// The media type of the body, in lower case and without parameters.
    pub(crate) fn media_type(&self) -> String {
        let media_type = self.header("Content-Type").split(';').next().unwrap_or_default();
        media_type.trim().to_ascii_lowercase()
    }

    /// Is JSON among the media types that the header names?
    pub(crate) fn is_json(&self) -> bool {
        let types = self.header("Content-Type").split(',');
        let media_type = |text: &str| text.split(';').next().unwrap_or_default().trim().to_owned();
        types.map(media_type).any(|found| found.eq_ignore_ascii_case("application/json"))
    }
}
