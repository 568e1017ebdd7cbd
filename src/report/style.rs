//! Colours by their meaning.

use owo_colors::{OwoColorize, Style};

/// What a piece of text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It went well.
    Good,
    /// It did not.
    Bad,
    /// Look at this.
    Warn,
    /// A name.
    Name,
    /// What can be overlooked.
    Faint,
    /// What to do next.
    Hint,
}

/// Whether and how to decorate. The text stays the same without colour; signs fall back to ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// Emit SGR sequences.
    pub colour: bool,
    /// The reader can display UTF-8.
    pub unicode: bool,
}

impl Palette {
    /// No colour, ASCII signs.
    pub const PLAIN: Self = Self { colour: false, unicode: false };

    /// `text` in the colour of its role.
    pub fn paint(&self, role: Role, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let style = match role {
            Role::Good => Style::new().green(),
            Role::Bad => Style::new().red().bold(),
            Role::Warn => Style::new().yellow(),
            Role::Name => Style::new().bold(),
            Role::Faint => Style::new().dimmed(),
            Role::Hint => Style::new().cyan(),
        };
        text.style(style).to_string()
    }

    /// The one of two signs that can be displayed.
    pub(super) fn sign(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_only_when_asked() {
        assert_eq!(Palette::PLAIN.paint(Role::Bad, "failed"), "failed");
        let palette = Palette { colour: true, unicode: true };
        assert_eq!(palette.paint(Role::Good, "built"), "\u{1b}[32mbuilt\u{1b}[0m");
        assert_eq!(palette.paint(Role::Good, ""), "");
        assert_eq!([palette.sign("✓", "*"), Palette::PLAIN.sign("✓", "*")], ["✓", "*"]);
    }
}
