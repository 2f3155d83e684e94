"""A clinic's records without photos: made_clinic.py FOLDER USERS. Every user has 6 to 11 photos by
name and a verdict."""
import json, os, sys

folder, users = sys.argv[1], int(sys.argv[2])
os.makedirs(folder + "/followup_data")
notes = ["Your acne is much better now.", "The redness has increased, more pimples than before."]
with open(folder + "/dr_msg_stats.csv", "w") as table:
    table.write("user_id\n")
    for user in range(1, users + 1):
        table.write(f"{user}\n")
        records = [{
            "entry_type": "Annotation",
            "userId": user,
            "created_at": 1500000000 + k,
            "image_path": f"{user}/{k}.jpg"
        } for k in range(6 + user % 6)]
        records.append({
            "entry_type": "DrMessage",
            "userId": user,
            "created_at": 1600000000,
            "dr_note": notes[user % 2]
        })
        with open(f"{folder}/followup_data/user_{user:012d}.json", "w") as file:
            json.dump(records, file)
