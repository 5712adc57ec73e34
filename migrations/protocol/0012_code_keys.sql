-- The key that must be proved with a code (RFC 9449 §10): its SHA-256 thumbprint.

alter table grants add column dpop_jkt bytea;
