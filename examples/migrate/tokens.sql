-- Written by make_table.py with cryptography 48.0.0.
CREATE TABLE slack_connections (id INTEGER PRIMARY KEY, org_id TEXT NOT NULL, bot_token TEXT);
INSERT INTO slack_connections VALUES (1, 'org_1', 'gAAAAABrCUq3EXUOOZZrbLLndruIQ1aBuoyc1wNmksOfb42sMRi3AH7hggXx7Dnp3ddYc4hcx0KHdubohHQZaLmBbCJUIP0oCrjEnykRAs6c85co1bOQ6Vw=');
INSERT INTO slack_connections VALUES (2, 'org_2', 'gAAAAABrCUq3p7eF_8YIQ8Vr8cwOVdoLwlumG8IXSNeLNli5PUahx4aUKdqZp41eIbeOjfLAAxufNZKX3EbuLcITGomBgrTt84VoE2gdiirLohDwOY1uB_o=');
INSERT INTO slack_connections VALUES (3, 'org_3', 'gAAAAABrCUq3_Fu1z-fZDgm9zHfE5r4TBpejRvUip_oR8OZ0FC_qnciy3dBTJYRtjBPV76Ya3qJCPFgTDBuOBwkJIFH7J6yExK6aN9xaVNNoh1R3lzOylY8=');
INSERT INTO slack_connections VALUES (4, 'org_4', 'gAAAAABrCUq3BJVoxamUtvCWN0BuEVRvyMGuK4n3aRlJjHlLsw_2WmYWN9TInxPLGxk-2uEjXFBPny_HdB17BBipyI7jRyNmbpuslug5tibrivB9aFY-WP8=');
INSERT INTO slack_connections VALUES (5, 'org_5', 'gAAAAABrCUq328DvkNP2zkugE94FoiGwpkwcDdksDpHSWQQQ6C3OY7M0iTnukNeX9DFFRNDduSrsR0hE1msXiB9sFd_P77B-ivpCSDEFku9lACTDkPTPAKs=');
INSERT INTO slack_connections VALUES (6, 'org_6', 'gAAAAABrCUq3ZTsiTU3ZzYRqgKWvj2GE1UE-diGaYHKEtHgWHQf9aVjsHXTi9nsBk7nTb0uXswoJvIudAQvBxZLNIzOALzRp0UgiVsf5H28q54I0iauh3Y8=');
INSERT INTO slack_connections VALUES (7, 'org_7', 'gAAAAABrCUq3oNGnozxAmOG_HGmlkzgWYA_fbdkEkMn8_EiiQt-bG-40aURxHEt9qgZ-oSl02DOwXwbKNxyf0ynFRRq7n42KNwg9VA5J4ouHTas1AzFQVks=');
INSERT INTO slack_connections VALUES (8, 'org_8', 'gAAAAABrCUq34-n_n-ku7A-VVcAcsRsHOg9dgi8hnVz5xyjtaiVoRIWHbkxr2xCecxYCtMc40KcnsiqZKydDFGLA10HoXdG7smrDVz9ZXy-u2xuMwft0LGc=');
INSERT INTO slack_connections VALUES (9, 'org_9', NULL);
