use serde_json::Value;

use crate::go::Go;

/// Flags, width and precision of one directive.
#[derive(Clone, Debug, Default)]
pub(super) struct Spec {
    pub(super) sharp: bool,
    pub(super) plus: bool,
    pub(super) minus: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) bad_index: bool,
    pub(super) note: Option<&'static str>,
}

impl Spec {
    pub(super) fn plain() -> Self {
        Self::default()
    }
}

/// Go refuses wider fields; a format cannot make us allocate much.
const MAX: usize = 1_000_000;

/// Reads what stands between `%` and the verb.
pub(super) struct Cursor<'f, 'a> {
    text: &'f str,
    args: &'a [Value],
    pub(super) next: usize,
    pub(super) reordered: bool,
}

impl<'f, 'a> Cursor<'f, 'a> {
    pub(super) const fn new(text: &'f str, args: &'a [Value], next: usize) -> Self {
        Self { text, args, next, reordered: false }
    }

    pub(super) const fn rest(&self) -> &'f str {
        self.text
    }

    pub(super) fn spec(&mut self) -> Spec {
        let mut spec = Spec::default();
        self.flags(&mut spec);
        self.index(&mut spec);
        spec.width =
            if self.eat('*') { self.star(&mut spec, "%!(BADWIDTH)") } else { self.number() };
        if self.eat('.') {
            self.index(&mut spec);
            spec.precision = if self.eat('*') {
                self.star(&mut spec, "%!(BADPREC)")
            } else {
                Some(self.number().unwrap_or(0))
            };
        }
        self.index(&mut spec);
        if spec.minus {
            spec.zero = false;
        }
        spec
    }

    fn flags(&mut self, spec: &mut Spec) {
        while let Some(c) = self.text.chars().next() {
            match c {
                '#' => spec.sharp = true,
                '+' => spec.plus = true,
                '-' => spec.minus = true,
                ' ' => spec.space = true,
                '0' => spec.zero = true,
                _ => return,
            }
            self.text = &self.text[1..];
        }
    }

    fn eat(&mut self, c: char) -> bool {
        let rest = self.text.strip_prefix(c);
        self.text = rest.unwrap_or(self.text);
        rest.is_some()
    }

    fn number(&mut self) -> Option<usize> {
        let end = self.text.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.text.len());
        let number = self.text[..end].parse().ok().filter(|n| *n <= MAX);
        self.text = &self.text[end..];
        number
    }

    /// `[n]`: the next argument, counted from one.
    fn index(&mut self, spec: &mut Spec) {
        let Some(rest) = self.text.strip_prefix('[') else { return };
        self.reordered = true;
        let Some((inside, after)) = rest.split_once(']') else {
            spec.bad_index = true;
            self.text = rest;
            return;
        };
        self.text = after;
        match inside.parse::<usize>() {
            Ok(n) if (1..=self.args.len()).contains(&n) => self.next = n - 1,
            _ => spec.bad_index = true,
        }
    }

    /// Width or precision from an argument; a negative width pads on the right.
    fn star(&mut self, spec: &mut Spec, note: &'static str) -> Option<usize> {
        let value = self.args.get(self.next).map(Go::from);
        self.next += 1;
        match value {
            Some(Go::Int(i)) if i.unsigned_abs() <= MAX as u64 => {
                spec.minus |= i < 0;
                usize::try_from(i.unsigned_abs()).ok()
            }
            _ => {
                spec.note = Some(note);
                None
            }
        }
    }
}
