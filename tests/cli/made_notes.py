"""A clinic's records, of which every fifth user has the same note: made_notes.py FOLDER USERS NOTE

Users 0 to USERS-1 have 6 to 10 photos, by name; NOTE is that of the users 3, 8, 13, ..."""
import json
import os
import sys

folder, users = sys.argv[1], int(sys.argv[2])
notes = [
    "No new acne, redness much better.", "Pain persists, no improvement.",
    "La piel está mejor que antes, siga igual.", sys.argv[3], "Worse than before."
]
os.makedirs(f"{folder}/followup_data")
with open(f"{folder}/dr_msg_stats.csv", "w") as table:
    table.write("user_id\n" + "".join(f"{i}\n" for i in range(users)))
for i in range(users):
    records = [{
        "entry_type": "Annotation",
        "userId": i,
        "created_at": 1600000000 + 1000 * k,
        "image_path": f"{i}/{k}.jpg"
    } for k in range(6 + i % 5)]
    records.append({
        "entry_type": "DrMessage",
        "userId": i,
        "created_at": 1600000009,
        "dr_note": notes[i % 5]
    })
    with open(f"{folder}/followup_data/user_{i:012d}.json", "w") as file:
        json.dump(records, file)
