-- The lowest number that a gateway has said it may still hold; what is missing below is not on its way.
ALTER TABLE epoch ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
