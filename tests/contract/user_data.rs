//! Blobs that stay with a domain.

use timers::GuestKind;

use super::{KINDS, Make, Played, any, cases, hvm};

/// A name that libxl uses for nothing.
const NAME: &str = "xenclock-contract";

cases![
    nothing_is_there_at_first,
    what_is_stored_comes_back,
    names_are_apart,
    storing_nothing_removes,
    it_goes_with_the_domain
];

fn nothing_is_there_at_first(make: Make<'_>) -> Played {
    for kind in KINDS {
        let stage = any(make)?;
        let domid = stage.host().create_paused(&stage.config(kind, "guest")?).unwrap();
        assert_eq!(stage.host().user_data(domid, NAME).unwrap(), None);
        assert_eq!(stage.host().user_data(domid, NAME).unwrap(), None, "looking makes nothing");
    }
    Ok(())
}

fn what_is_stored_comes_back(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let domid = hvm(&*stage, "guest")?;
    let all_bytes: Vec<u8> = (0..=255).collect();
    let large = vec![b'x'; 300_000];
    for data in
        [&b"name = \"guest\"\n"[..], &all_bytes, &[0], b"shorter", "\u{e9}\u{2713}".as_bytes(), &large]
    {
        stage.host().set_user_data(domid, NAME, data).unwrap();
        assert_eq!(stage.host().user_data(domid, NAME).unwrap().as_deref(), Some(data));
    }
    Ok(())
}

fn names_are_apart(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let host = stage.host();
    let (one, two) = (hvm(&*stage, "one")?, hvm(&*stage, "two")?);
    host.set_user_data(one, NAME, b"of one").unwrap();
    host.set_user_data(one, "xenclock-contract-2", b"other").unwrap();
    host.set_user_data(two, NAME, b"of two").unwrap();
    assert_eq!(host.user_data(one, NAME).unwrap().as_deref(), Some(&b"of one"[..]));
    assert_eq!(host.user_data(one, "xenclock-contract-2").unwrap().as_deref(), Some(&b"other"[..]));
    assert_eq!(host.user_data(two, NAME).unwrap().as_deref(), Some(&b"of two"[..]));
    assert_eq!(host.user_data(two, "xenclock-contract-2").unwrap(), None);
    Ok(())
}

fn storing_nothing_removes(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let domid = hvm(&*stage, "guest")?;
    stage.host().set_user_data(domid, NAME, b"data").unwrap();
    stage.host().set_user_data(domid, NAME, b"").unwrap();
    assert_eq!(stage.host().user_data(domid, NAME).unwrap(), None);
    Ok(())
}

fn it_goes_with_the_domain(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let host = stage.host();
    let mut config = stage.config(GuestKind::Hvm, "guest")?;
    config.c_info.uuid = Some(uuid::uuid!("6ba7b810-9dad-41d1-80b4-00c04fd430c8"));
    let domid = host.create_paused(&config).unwrap();
    host.set_user_data(domid, NAME, b"data").unwrap();
    host.destroy(domid).unwrap();
    let domid = host.create_paused(&config).unwrap();
    assert_eq!(host.user_data(domid, NAME).unwrap(), None);
    Ok(())
}
