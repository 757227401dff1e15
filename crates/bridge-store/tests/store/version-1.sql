-- A store of version 1 with one of everything, as the bridge of that version wrote it.
PRAGMA application_id = 1651663975;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE channel (
    id INTEGER PRIMARY KEY,
    instance TEXT NOT NULL,
    address TEXT NOT NULL,
    UNIQUE (instance, address)
) STRICT;
INSERT INTO "channel" VALUES(1,'from','{"room":"source"}');
INSERT INTO "channel" VALUES(2,'to','{"room":"a"}');
INSERT INTO "channel" VALUES(3,'to','{"room":"b"}');
CREATE TABLE channel_seen (
    channel INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL
) STRICT;
INSERT INTO "channel_seen" VALUES(1,'值班',1772366400000,1772366400000);
CREATE TABLE dead_letter (
    id INTEGER PRIMARY KEY,
    message INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    rule TEXT NOT NULL,
    body TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    uncertain INTEGER NOT NULL,
    parts_sent INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    reason TEXT NOT NULL,
    may_have_been_delivered INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
INSERT INTO "dead_letter" VALUES(3,2,2,'rule','{"text":"m2"}',312352394,3,1,0,0,'no such group',1,1772366401000);
CREATE TABLE delivered (
    id INTEGER PRIMARY KEY,
    message INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    rule TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
INSERT INTO "delivered" VALUES(1,1,2,'rule',0,1772366401000);
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    rule TEXT NOT NULL,
    body TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    uncertain INTEGER NOT NULL DEFAULT 0,
    parts_sent INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0,
    last_reason TEXT
) STRICT;
INSERT INTO "delivery" VALUES(2,1,3,'rule','{"text":"m1"}',3195777498,0,0,0,0,NULL);
INSERT INTO "delivery" VALUES(4,2,3,'rule','{"text":"m2"}',2132340176,0,0,0,0,NULL);
INSERT INTO "delivery" VALUES(5,3,2,'rule','{"text":"m3"}',3834652851,2,0,1,77,'throttled');
INSERT INTO "delivery" VALUES(6,3,3,'rule','{"text":"m3"}',2299976681,0,0,0,0,NULL);
INSERT INTO "delivery" VALUES(7,4,2,'rule','{"text":"m4"}',1261019359,0,0,0,0,NULL);
INSERT INTO "delivery" VALUES(8,4,3,'rule','{"text":"m4"}',649024389,0,0,0,0,NULL);
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL,
    message_id TEXT,
    received_at INTEGER NOT NULL
) STRICT;
INSERT INTO "message" VALUES(1,1,'m1',1772366400000);
INSERT INTO "message" VALUES(2,1,'m2',1772366400000);
INSERT INTO "message" VALUES(3,1,'m3',1772366400000);
INSERT INTO "message" VALUES(4,1,'m4',1772366400000);
CREATE TABLE record (
    id INTEGER PRIMARY KEY,
    instance TEXT NOT NULL,
    address TEXT,
    message_id TEXT,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
INSERT INTO "record" VALUES(1,'from',NULL,'i1','no_rule',1772366400000);
CREATE TABLE sent_part (
    delivery INTEGER NOT NULL,
    part INTEGER NOT NULL,
    position INTEGER NOT NULL,
    platform_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (delivery, part, position)
) STRICT, WITHOUT ROWID;
INSERT INTO "sent_part" VALUES(1,0,0,'p1',1772366401000);
INSERT INTO "sent_part" VALUES(1,1,0,'p2',1772366401000);
INSERT INTO "sent_part" VALUES(1,1,1,'p3',1772366401000);
INSERT INTO "sent_part" VALUES(5,0,0,'q1',1772366401000);
CREATE UNIQUE INDEX message_once ON message (source, message_id) WHERE message_id IS NOT NULL;
CREATE INDEX delivery_lane ON delivery (lane);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('delivery',8);
COMMIT;
