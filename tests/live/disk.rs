//! The store's disk fills up, and the store is damaged under the daemon's hands: it goes on seeing, says so, and tells the SOC.

use std::{
    fs::{self, File},
    io::{Seek as _, SeekFrom, Write as _},
    time::Duration,
};

use crate::live::{
    Said,
    lab::Lab,
    memory::{stored_alerts, stored_incidents},
    must,
    product::{Product, Setup},
    wait,
};

const SOON: Duration = Duration::from_secs(40);

/// How many alerts the daemon printed.
fn printed(product: &Product) -> usize {
    product.alerts_printed().matches("\"type\":\"alert\"").count()
}

/// What `status` says of the store.
fn store(product: &Product) -> String {
    let said: Said = product.command(&["status", "--json"]);
    let rows = said.rows();
    let row = rows.iter().find(|row| row["what"] == "store").unwrap();
    format!("{}: {}", row["state"].as_str().unwrap(), row["detail"].as_str().unwrap_or_default())
}

/// Every incident of the store has reached the SOC.
fn all_told(lab: &Lab, product: &Product) {
    wait("the SOC has every incident of the store", SOON, || {
        let told: String = lab.received().iter().map(ToString::to_string).collect();
        let ids = stored_incidents(&product.store);
        (!ids.is_empty() && ids.iter().all(|id| told.contains(id.as_str()))).then_some(())
    });
}

#[test]
fn on_a_full_disk_it_goes_on_seeing_says_so_and_loses_nothing() {
    let Some(mut lab) = Lab::up("livefull") else { return };
    let mut product = Product::install(&lab, &Setup::default());
    let disk = product.folder.join("disk");
    fs::create_dir_all(&disk).unwrap();
    let place = disk.to_str().unwrap();
    must("mount", &["-t", "tmpfs", "-o", "size=3m,mode=0777", "tmpfs", place]);
    product.configure(&Setup { store: Some(disk.join("fieldwarden.db")), ..Setup::default() });
    product.start(&lab);
    lab.rogue(&["write-setpoint", "--duration", "1", "--every-ms", "200"]);
    wait("the attack is told", SOON, || (!stored_incidents(&product.store).is_empty()).then_some(()));
    all_told(&lab, &product);

    let mut filler = File::create(disk.join("filler")).unwrap();
    while filler.write_all(&[7; 4_096]).is_ok() {}
    let before = printed(&product);
    lab.rogue_begins(&["read-sweep", "--every-ms", "20"]);
    lab.rogue_begins(&["s7-write", "--duration", "4", "--every-ms", "200"]);
    wait("it sees what is done meanwhile", SOON, || (printed(&product) > before).then_some(()));
    let said =
        wait("it says so", SOON, || Some(store(&product)).filter(|said| said.contains("disk is full")));
    assert!(said.starts_with("in trouble"), "{said}");
    assert!(product.log().contains("what is found meanwhile waits in memory"), "{}", product.log());

    // Room is there again once nobody holds the file.
    drop(filler);
    fs::remove_file(disk.join("filler")).unwrap();
    wait("the store works again", SOON, || store(&product).starts_with("good").then_some(()));
    lab.rogues_stop();
    wait("every alert that was printed is stored", SOON, || {
        let stored = stored_alerts(&product.store);
        let printed = product.alerts_printed();
        (printed.matches("\"type\":\"alert\"").count() == stored.len()
            && stored.iter().all(|id| printed.contains(id.as_str())))
        .then_some(())
    });
    all_told(&lab, &product);
    product.stop();
    must("umount", &[place]);
}

#[test]
fn a_damaged_store_is_replaced_as_it_is_opened_and_what_is_open_is_told() {
    let Some(lab) = Lab::up("livehurt") else { return };
    let mut product = Product::install(&lab, &Setup::default());
    product.start(&lab);
    lab.rogue(&["write-setpoint", "--duration", "1", "--every-ms", "200"]);
    wait("the attack is told", SOON, || (!stored_incidents(&product.store).is_empty()).then_some(()));
    all_told(&lab, &product);
    product.stop();
    // Every page but those that say what the tables are.
    let mut file = File::options().write(true).open(&product.store).unwrap();
    let pages = file.metadata().unwrap().len() / 4_096;
    for page in 4..pages {
        file.seek(SeekFrom::Start(page * 4_096)).unwrap();
        file.write_all(&[0xa5; 4_096]).unwrap();
    }
    drop(file);
    product.start(&lab);
    assert!(product.log().contains("the store was damaged"), "{}", product.log());
    assert!(store(&product).starts_with("good"), "{}", store(&product));
    let is_kept = |name: String| name.contains(".corrupt-");
    let mut left = fs::read_dir(&product.folder).unwrap();
    assert!(left.any(|entry| is_kept(entry.unwrap().file_name().to_string_lossy().into())));
    let before = printed(&product);
    lab.rogue(&["s7-write", "--duration", "2", "--every-ms", "200"]);
    wait("it sees what is done", SOON, || (printed(&product) > before).then_some(()));
    wait("and stores it", SOON, || (!stored_incidents(&product.store).is_empty()).then_some(()));
    all_told(&lab, &product);
}
