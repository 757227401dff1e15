//! The conversation that the demo plays.

use bridge_core::sandbox::Person;

use super::side::Side;

/// One thing that happens in a room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) side: Side,
    pub(super) person: Person,
    pub(super) text: &'static str,
    pub(super) way: Way,
}

/// How the bridge hears of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Once and from the platform.
    Once,
    /// A second time as well, as from a platform that missed the answer.
    Twice,
    /// Nobody said it: it is made up by someone who does not know the secret.
    Forged,
}

/// Who speaks when the person at the terminal does.
pub(super) const YOU: Person = Person::new("你/you", "you", "100099");

const ZHANG: Person = Person::new("张三", "zhangsan", "100001");
const LI: Person = Person::new("李娜", "lina", "100002");
const ANNA: Person = Person::new("Anna", "Anna", "200001");
const BEN: Person = Person::new("Ben", "Ben", "200002");

const fn left(person: Person, text: &'static str) -> Step {
    step(Side::Left, person, text, Way::Once)
}

const fn right(person: Person, text: &'static str) -> Step {
    step(Side::Right, person, text, Way::Once)
}

const fn step(side: Side, person: Person, text: &'static str, way: Way) -> Step {
    Step {
        side,
        person,
        text,
        way,
    }
}

/// Two offices hand over a release. Whoever speaks on one side first reads what came from the
/// other; messages of one side in a row follow each other without a pause. The last message of
/// each side comes after the repeated and the forged one, so that a wrong delivery of either
/// would have arrived before the end.
pub(super) const CONVERSATION: [Step; 12] = [
    left(ZHANG, "早上好！2.0 刚刚上线。"),
    left(LI, "监控一切正常。"),
    right(ANNA, "Morning! Live here, too."),
    right(BEN, "恭喜大家！ Congrats! 🎉"),
    left(
        ZHANG,
        "今天的安排：\n1. 观察错误率\n2. 更新文档\n3. 下班前复盘",
    ),
    step(Side::Right, ANNA, "Good. I'll take the docs.", Way::Twice),
    step(Side::Left, ZHANG, "把生产数据库删掉！", Way::Forged),
    right(BEN, "Who is on call tonight?"),
    left(LI, "今晚我值班，有事随时叫我。"),
    right(ANNA, "谢谢！ See you tomorrow!"),
    right(BEN, "{msg} and <b> are just text"),
    left(ZHANG, "回头见！"),
];
