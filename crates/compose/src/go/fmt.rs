//! `fmt.Sprintf` over JSON values, with Go's notes about verbs that do not fit.

mod number;
mod spec;
mod text;

use serde_json::Value;

use super::Go;
use spec::Spec;

/// Formats as Go's `Sprintf` does, including `%!d(string=x)`, `%!s(MISSING)` and `%!(EXTRA …)`.
pub(crate) fn sprintf(format: &str, args: &[Value]) -> String {
    Printer { out: String::new(), args, next: 0, reordered: false }.run(format)
}

/// What `%v` prints.
pub(crate) fn plain(value: &Value) -> String {
    let mut out = String::new();
    print(&mut out, &Spec::plain(), 'v', Go::from(value));
    out
}

struct Printer<'a> {
    out: String,
    args: &'a [Value],
    next: usize,
    reordered: bool,
}

impl Printer<'_> {
    fn run(mut self, format: &str) -> String {
        let mut rest = format;
        while let Some(at) = rest.find('%') {
            self.out.push_str(&rest[..at]);
            rest = self.directive(&rest[at + 1..]);
        }
        self.out.push_str(rest);
        if !self.reordered && self.next < self.args.len() {
            self.extra();
        }
        self.out
    }

    /// Prints one directive; what follows it is returned.
    fn directive<'f>(&mut self, text: &'f str) -> &'f str {
        self.reordered = false;
        let mut cursor = spec::Cursor::new(text, self.args, self.next);
        let spec = cursor.spec();
        self.next = cursor.next;
        self.reordered = cursor.reordered;
        let rest = cursor.rest();
        let Some(verb) = rest.chars().next() else {
            self.out.push_str("%!(NOVERB)");
            return rest;
        };
        let rest = &rest[verb.len_utf8()..];
        if let Some(note) = spec.note {
            self.out.push_str(note);
        }
        if verb == '%' {
            self.out.push('%');
        } else if spec.bad_index {
            self.out.push_str(&format!("%!{verb}(BADINDEX)"));
        } else if let Some(value) = self.args.get(self.next) {
            self.next += 1;
            print(&mut self.out, &spec, verb, Go::from(value));
        } else {
            self.out.push_str(&format!("%!{verb}(MISSING)"));
        }
        rest
    }

    fn extra(&mut self) {
        self.out.push_str("%!(EXTRA ");
        for (index, value) in self.args[self.next..].iter().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            match Go::from(value) {
                Go::Nil => self.out.push_str("<nil>"),
                value => {
                    self.out.push_str(value.type_name());
                    self.out.push('=');
                    print(&mut self.out, &Spec::plain(), 'v', value);
                }
            }
        }
        self.out.push(')');
    }
}

fn print(out: &mut String, spec: &Spec, verb: char, value: Go<'_>) {
    if verb == 'T' {
        return text::pad(out, spec, value.type_name());
    }
    let done = match value {
        Go::Nil if verb == 'v' => {
            text::pad(out, spec, "<nil>");
            true
        }
        Go::Nil => false,
        Go::Bool(b) if matches!(verb, 't' | 'v') => {
            text::pad(out, spec, if b { "true" } else { "false" });
            true
        }
        Go::Bool(_) => false,
        Go::Int(i) => number::int(out, spec, verb, i),
        Go::Float(f) => number::float(out, spec, verb, f),
        Go::Text(s) => text::string(out, spec, verb, s),
        Go::List(list) => {
            sequence(out, spec, verb, list);
            true
        }
        Go::Map(map) => {
            mapping(out, spec, verb, map);
            true
        }
    };
    if !done {
        bad_verb(out, spec, verb, value);
    }
}

fn bad_verb(out: &mut String, spec: &Spec, verb: char, value: Go<'_>) {
    out.push_str(&format!("%!{verb}("));
    if value != Go::Nil {
        out.push_str(value.type_name());
        out.push('=');
    }
    print(out, spec, 'v', value);
    out.push(')');
}

fn sequence(out: &mut String, spec: &Spec, verb: char, list: &[Value]) {
    let go_syntax = spec.sharp && verb == 'v';
    out.push_str(if go_syntax { "[]interface {}{" } else { "[" });
    for (index, element) in list.iter().enumerate() {
        if index > 0 {
            out.push_str(if go_syntax { ", " } else { " " });
        }
        inner(out, spec, verb, element);
    }
    out.push(if go_syntax { '}' } else { ']' });
}

fn mapping(out: &mut String, spec: &Spec, verb: char, map: &serde_json::Map<String, Value>) {
    let go_syntax = spec.sharp && verb == 'v';
    out.push_str(if go_syntax { "map[string]interface {}{" } else { "map[" });
    for (index, (key, element)) in map.iter().enumerate() {
        if index > 0 {
            out.push_str(if go_syntax { ", " } else { " " });
        }
        print(out, spec, verb, Go::Text(key));
        out.push(':');
        inner(out, spec, verb, element);
    }
    out.push(if go_syntax { '}' } else { ']' });
}

/// Inside a list or map a nil has no type that a verb could miss.
fn inner(out: &mut String, spec: &Spec, verb: char, value: &Value) {
    match Go::from(value) {
        Go::Nil if spec.sharp && verb == 'v' => out.push_str("interface {}(nil)"),
        Go::Nil => out.push_str("<nil>"),
        value => print(out, spec, verb, value),
    }
}

#[cfg(test)]
mod tests {
    use super::{plain, sprintf};
    use serde_json::{Value, json};

    fn check(format: &str, args: Value, expected: &str) {
        let Value::Array(args) = args else { panic!("arguments are a list") };
        assert_eq!(sprintf(format, &args), expected, "{format} {args:?}");
    }

    #[test]
    fn common_verbs() {
        check("%s-igw", json!(["vpc"]), "vpc-igw");
        check("%s-%s", json!(["a", "b"]), "a-b");
        check("%d%%", json!([5]), "5%");
        check("%v %v %v %v", json!([1, 1.5, true, null]), "1 1.5 true <nil>");
        check("%q", json!(["a\"b\n"]), r#""a\"b\n""#);
        check("%x %X", json!([255, "hi"]), "ff 6869");
        check("%05d|%-5d|%+d|% d", json!([42, 42, 42, 42]), "00042|42   |+42| 42");
        check("%t", json!([true]), "true");
        check("%f|%.2f|%8.3f", json!([1.5, 1.555, 1.5]), "1.500000|1.55|   1.500");
        check("%T %T %T", json!([1, 1.5, []]), "int64 float64 []interface {}");
        check("%5s|%-5s|%.2s", json!(["ab", "ab", "abc"]), "   ab|ab   |ab");
        check("%[2]s %[1]s", json!(["a", "b"]), "b a");
        check("%*d", json!([4, 7]), "   7");
    }

    #[test]
    fn what_does_not_fit_is_noted() {
        check("%d", json!(["x"]), "%!d(string=x)");
        check("%s", json!([5]), "%!s(int64=5)");
        check("%s", json!([1.5]), "%!s(float64=1.5)");
        check("%s", json!([true]), "%!s(bool=true)");
        check("%s", json!([null]), "%!s(<nil>)");
        check("%s %s", json!(["a"]), "a %!s(MISSING)");
        check("%s", json!(["a", 5]), "a%!(EXTRA int64=5)");
        check("plain", json!(["a", null]), "plain%!(EXTRA string=a, <nil>)");
        check("100%", json!([]), "100%!(NOVERB)");
        check("%[5]s", json!(["a"]), "%!s(BADINDEX)");
    }

    #[test]
    fn lists_and_maps() {
        check("%v", json!([["a", 1, null]]), "[a 1 <nil>]");
        check("%s", json!([["a", 1]]), "[a %!s(int64=1)]");
        check("%v", json!([{"b": 1, "a": {"c": []}}]), "map[a:map[c:[]] b:1]");
        check("%q", json!([["a", "b"]]), r#"["a" "b"]"#);
    }

    #[test]
    fn floats_as_go_prints_them() {
        for (value, text) in [
            (json!(1.0), "1"),
            (json!(1_000_000.0), "1e+06"),
            (json!(123_456_789.0), "1.23456789e+08"),
            (json!(0.0001), "0.0001"),
            (json!(0.00001), "1e-05"),
            (json!(123_456.5), "123456.5"),
            (json!(-0.5), "-0.5"),
        ] {
            assert_eq!(plain(&value), text);
        }
        check("%.3g %g %e", json!([1234.5, 100_000.0, 1.5]), "1.23e+03 100000 1.500000e+00");
    }
}
