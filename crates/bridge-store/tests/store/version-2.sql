-- A store of version 2 with one of everything, as the bridge of that version wrote it.
PRAGMA application_id = 1651663975;
PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE channel (
    id INTEGER PRIMARY KEY,
    instance TEXT NOT NULL,
    address TEXT NOT NULL,
    UNIQUE (instance, address)
) STRICT;
INSERT INTO channel VALUES(1,'from','{"room":"source"}');
INSERT INTO channel VALUES(2,'to','{"room":"a"}');
INSERT INTO channel VALUES(3,'to','{"room":"b"}');
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL,
    message_id TEXT,
    received_at INTEGER NOT NULL,
    first_delivery INTEGER NOT NULL DEFAULT 0,
    deliveries INTEGER NOT NULL DEFAULT 0,
    duplicates INTEGER NOT NULL DEFAULT 0,
    last_duplicate_at INTEGER
) STRICT;
INSERT INTO message VALUES(1,1,'m1',1772366400000,1,2,0,NULL);
INSERT INTO message VALUES(2,1,'m2',1772366400000,3,2,0,NULL);
INSERT INTO message VALUES(3,1,'m3',1772366400000,5,2,0,NULL);
CREATE TABLE body (
    id INTEGER PRIMARY KEY,
    message INTEGER NOT NULL,
    content TEXT NOT NULL
) STRICT;
INSERT INTO body VALUES(1,1,'{"text":"m1"}');
INSERT INTO body VALUES(2,1,'{"text":"m1"}');
INSERT INTO body VALUES(3,2,'{"text":"m2"}');
INSERT INTO body VALUES(4,2,'{"text":"m2"}');
INSERT INTO body VALUES(5,3,'{"text":"m3"}');
INSERT INTO body VALUES(6,3,'{"text":"m3"}');
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    rule TEXT NOT NULL,
    body INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    queued_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    uncertain INTEGER NOT NULL,
    parts_sent INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    progress_sum INTEGER NOT NULL,
    last_reason TEXT
) STRICT;
INSERT INTO delivery VALUES(2,1,3,2,'rule',2,3195777498,1772366400000,0,0,0,0,1586270354,NULL);
INSERT INTO delivery VALUES(4,2,3,4,'rule',4,2132340176,1772366400000,0,0,0,0,3542678106,NULL);
INSERT INTO delivery VALUES(5,3,2,5,'rule',5,3834652851,1772366400000,2,0,1,77,3400293694,'throttled');
INSERT INTO delivery VALUES(6,3,3,6,'rule',6,2299976681,1772366400000,0,0,0,0,2823496674,NULL);
CREATE TABLE settled (
    id INTEGER PRIMARY KEY,
    message INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    rule TEXT NOT NULL,
    body INTEGER NOT NULL,
    end TEXT NOT NULL,
    reason TEXT,
    platform_ids TEXT,
    merged_into INTEGER,
    attempts INTEGER NOT NULL,
    uncertain INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
INSERT INTO settled VALUES(1,1,2,'rule',1,'delivered',NULL,'["p1"]',NULL,0,0,1772366401000);
CREATE TABLE dead_letter (
    id INTEGER PRIMARY KEY,
    message INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    rule TEXT NOT NULL,
    body INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    queued_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    uncertain INTEGER NOT NULL,
    parts_sent INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    progress_sum INTEGER NOT NULL,
    reason TEXT NOT NULL,
    may_have_been_delivered INTEGER NOT NULL,
    blocks INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
INSERT INTO dead_letter VALUES(3,2,2,3,'rule',3,312352394,1772366400000,3,1,0,0,721883606,'no such group',1,0,1772366401000);
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY,
    delivery INTEGER NOT NULL,
    part INTEGER NOT NULL,
    uncertain INTEGER NOT NULL,
    answer TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
INSERT INTO attempt VALUES(1,3,0,1,'no such group',1772366401000);
INSERT INTO attempt VALUES(2,5,1,0,'throttled',1772366401000);
CREATE TABLE sent_part (
    delivery INTEGER NOT NULL,
    part INTEGER NOT NULL,
    platform_ids TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (delivery, part)
) STRICT, WITHOUT ROWID;
CREATE TABLE spent (
    id INTEGER PRIMARY KEY,
    lane INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
INSERT INTO spent VALUES(1,2,1772366400000);
CREATE TABLE channel_seen (
    channel INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL
) STRICT;
INSERT INTO channel_seen VALUES(1,'值班',1772366400000,1772366400000);
CREATE TABLE record (
    id INTEGER PRIMARY KEY,
    instance TEXT NOT NULL,
    address TEXT,
    message_id TEXT,
    delivery INTEGER,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
INSERT INTO record VALUES(1,'from',NULL,'i1',NULL,'no_rule',1772366400000);
CREATE TABLE pruned (
    end TEXT PRIMARY KEY,
    count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('delivery',6);
CREATE UNIQUE INDEX message_once ON message (message_id, source) WHERE message_id IS NOT NULL;
CREATE INDEX delivery_lane ON delivery (lane, turn);
CREATE INDEX dead_letter_blocks ON dead_letter (lane, turn) WHERE blocks = 1;
CREATE INDEX attempt_delivery ON attempt (delivery);
CREATE INDEX spent_lane ON spent (lane);
CREATE INDEX record_message ON record (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX record_delivery ON record (delivery) WHERE delivery IS NOT NULL;
COMMIT;
