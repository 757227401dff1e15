use super::*;

fn places(options: ServerOptions) -> Arc<Places> {
    Places::new(&options)
}

fn per_address(max_connections_per_address: usize) -> ServerOptions {
    ServerOptions {
        max_connections_per_address,
        ..ServerOptions::default()
    }
}

#[test]
fn addresses_are_counted_as_their_owners() {
    // Of two addresses, whether they share one count.
    let rows = [
        ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false),
        ("192.0.2.1", "::ffff:192.0.2.1", true),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
    ];
    for (first, second, same) in rows {
        let places = places(per_address(1));
        let held = places.share(first.parse().unwrap());
        assert!(held.is_some());
        let further = places.share(second.parse().unwrap());
        assert_eq!(further.is_none(), same, "{first} {second}");
    }
}

#[test]
fn a_share_comes_back_and_leaves_nothing_behind() {
    let places = places(per_address(2));
    let address = "192.0.2.1".parse().unwrap();
    let (first, second) = (places.share(address), places.share(address));
    assert!(second.is_some());
    assert!(places.share(address).is_none());
    drop(first);
    let third = places.share(address);
    assert!(third.is_some());
    drop((second, third));
    assert!(places.table().by_address.is_empty());
}

#[test]
fn the_exempt_are_not_counted() {
    let places = places(ServerOptions {
        exempt: vec!["10.0.0.0/8".parse().unwrap()],
        ..per_address(1)
    });
    let shares: Vec<_> = ["10.0.0.1", "10.0.0.1", "::ffff:10.0.0.1", "192.0.2.1"]
        .map(|address| places.share(address.parse().unwrap()))
        .into();
    assert!(shares.iter().all(Option::is_some));
    assert!(places.share("192.0.2.1".parse().unwrap()).is_none());
}

#[tokio::test(start_paused = true)]
async fn the_longest_waiting_gives_way_and_the_working_does_not() {
    let places = places(ServerOptions {
        max_connections: 3,
        ..ServerOptions::default()
    });
    let mut seats = Vec::new();
    for address in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        let share = places.share(address.parse().unwrap()).unwrap();
        seats.push(places.seat(share, places.free().await));
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    seats[0].activity().begin();
    let asked = |seat: &Seat| {
        let leave = Arc::clone(&seat.leave);
        async move {
            tokio::time::timeout(Duration::ZERO, leave.notified())
                .await
                .is_ok()
        }
    };

    // Nobody has waited for a second yet.
    assert!(
        tokio::time::timeout(Duration::from_millis(700), places.free())
            .await
            .is_err()
    );
    assert!(!asked(&seats[1]).await);

    let second = seats.remove(1);
    let waiting = tokio::spawn({
        let places = Arc::clone(&places);
        async move { places.free().await }
    });
    let asked_in_time = tokio::time::timeout(Duration::from_secs(10), second.asked_to_leave());
    asked_in_time.await.expect("it has waited longest");
    assert!(!asked(&seats[0]).await, "it works");
    assert!(!asked(&seats[1]).await, "it came later");
    drop(second);
    drop(waiting.await.unwrap());
    drop(seats);
    assert!(places.table().taken.is_empty());
}
