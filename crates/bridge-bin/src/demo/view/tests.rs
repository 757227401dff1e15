use super::*;

const MS: Duration = Duration::from_millis(1);

fn view(columns: usize) -> View {
    View::new(Look {
        columns,
        paint: Paint::Plain,
    })
}

fn check(drawn: &str, expected: &[&str]) {
    assert_eq!(drawn.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn each_side_has_its_column_and_the_time_stands_between() {
    let view = view(50);
    check(
        &view.said(Side::Left, "张三: 早上好"),
        &["张三: 早上好      |            |"],
    );
    check(
        &view.arrived(Side::Right, "张三: 早上好", Some(12 * MS)),
        &["                  |   12 ms -> | 张三: 早上好"],
    );
    check(
        &view.arrived(Side::Left, "Ben: hi", Some(MS)),
        &["Ben: hi           | <- 1.0 ms  |"],
    );
    check(
        &view.arrived(Side::Left, "who?", None),
        &["who?              | <- ?       |"],
    );
}

#[test]
fn long_and_multi_line_texts_stay_in_their_column() {
    let view = view(50);
    check(
        &view.said(Side::Right, "Anna: good morning everybody"),
        &[
            "                  |            | Anna: good",
            "                  |            | morning everybody",
        ],
    );
    check(
        &view.arrived(
            Side::Left,
            "张三: 安排：\n1. 观察错误率\n2. 更新",
            Some(3 * MS),
        ),
        &[
            "张三: 安排：      | <- 3.0 ms  |",
            "1. 观察错误率     |            |",
            "2. 更新           |            |",
        ],
    );
}

#[test]
fn the_head_names_both_groups() {
    let titles = Pair {
        left: "上海 (dt_shanghai_long)".to_owned(),
        right: "Berlin".to_owned(),
    };
    check(
        &view(50).head(&titles),
        &[
            "上海              |            | Berlin",
            "(dt_shanghai_long |            |",
            ")                 |            |",
            "------------------+------------+------------------",
        ],
    );
}

#[test]
fn notes_take_the_whole_width() {
    check(
        &view(40).note("refused: a callback with a wrong signature, answered 401"),
        &[
            "* refused: a callback with a wrong",
            "  signature, answered 401",
        ],
    );
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let text = "恭喜大家！ Congratulations, 2.0 上线了 https://example.com/a/long/path?c=d\n再见";
    for columns in 40..130 {
        let view = view(columns);
        let drawn = [
            view.said(Side::Left, text),
            view.said(Side::Right, text),
            view.arrived(Side::Left, text, Some(999 * MS)),
            view.arrived(Side::Right, text, Some(Duration::from_secs(999))),
            view.note(text),
            view.paragraph(text),
        ];
        for line in drawn.iter().flat_map(|text| text.lines()) {
            assert!(width(line) <= columns, "{line:?} in {columns} columns");
        }
    }
}

#[test]
fn colours_only_where_they_are_wanted() {
    let coloured = View::new(Look {
        columns: 80,
        paint: Paint::Ansi,
    });
    let drawn = coloured.arrived(Side::Left, "hi", Some(MS));
    assert!(drawn.contains("\u{1b}[32m") && drawn.contains("\u{1b}[0m"));
    let plain = view(80).arrived(Side::Left, "hi", Some(MS));
    assert_eq!(
        drawn.replace("\u{1b}[32m", "").replace("\u{1b}[0m", ""),
        plain
    );
    assert!(
        !coloured.said(Side::Left, "hi").contains('\u{1b}'),
        "nothing to colour"
    );
}

#[test]
fn durations_are_short() {
    let rows = [
        (Duration::from_micros(840), "0.8 ms"),
        (Duration::from_micros(9_940), "9.9 ms"),
        (Duration::from_micros(9_960), "10 ms"),
        (Duration::from_millis(999), "999 ms"),
        (Duration::from_millis(1_500), "1.5 s"),
        (Duration::from_secs(999), "999.0 s"),
    ];
    for (duration, expected) in rows {
        assert_eq!(show_duration(duration), expected);
        assert!(expected.len() <= 7);
    }
}
