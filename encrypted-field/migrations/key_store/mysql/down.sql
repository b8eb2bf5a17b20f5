-- For good: without these keys nothing that was encrypted under them can be read again.
DROP TABLE encrypted_field_keys;
