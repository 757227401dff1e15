//! The two rooms of the demo, as the left and the right column.

/// One of the two rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Self::Left, Self::Right];

    /// Where what is said here goes.
    pub(super) fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

/// One of something for each room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pair<T> {
    pub(super) left: T,
    pub(super) right: T,
}

impl<T> Pair<T> {
    pub(super) fn get(&self, side: Side) -> &T {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }

    pub(super) fn as_ref(&self) -> Pair<&T> {
        Pair {
            left: &self.left,
            right: &self.right,
        }
    }

    /// Makes another pair, the left one first.
    pub(super) fn map<U>(self, mut make: impl FnMut(T) -> U) -> Pair<U> {
        Pair {
            left: make(self.left),
            right: make(self.right),
        }
    }

    /// Makes another pair, the left one first; the first error ends it.
    pub(super) fn try_map<U, E>(
        self,
        mut make: impl FnMut(T) -> Result<U, E>,
    ) -> Result<Pair<U>, E> {
        Ok(Pair {
            left: make(self.left)?,
            right: make(self.right)?,
        })
    }

    pub(super) fn zip<U>(self, other: Pair<U>) -> Pair<(T, U)> {
        Pair {
            left: (self.left, other.left),
            right: (self.right, other.right),
        }
    }
}
