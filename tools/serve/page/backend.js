// Who analyses the photos: here the server that sent this page. tools/web/page/backend.js is the
// browser itself; both offer the same.

// Texts that depend on it.
export const words = {
  who: "This server",
  unsupported: "not a complete photo in a format that this server reads",
  noPreview: "No preview: the browser can’t show this kind of photo, but the server may read it",
  taking: "Sending the photos …",
  unlearned: "", // limits and model: the page works without them
  unreachable: "The server can’t be reached, or it closed the connection.",
  failures: {
    UNSUPPORTED_IMAGE: "None of these files can be read as a photo.",
    TOO_LARGE_IMAGE: "These photos have more pixels than this server accepts.",
    UNAUTHORIZED: "This server asks for a token. Please enter it and try again.",
    BUSY: "The server is busy. Please try again in a moment.",
    DEADLINE: "The server took too long. Please try again in a moment, or with fewer photos.",
    NO_DETECTOR: "This server runs without face detection, so it can’t judge photos.",
  },
};

// Limits and model, as /v1/model tells them; null where it does not tell.
export async function learn() {
  const answer = await fetch("v1/model");
  return answer.ok ? answer.json() : null;
}

// Asks for an analysis of files in the order in which they are to be judged.
//   on.progress(share)         how much of the work that can be told beforehand is done: 0..1
//   on.analysing()             from now on it can't be told
//   on.end(status, answer)     the last: as from /v1/analyze; status 0: unreachable, -1: stopped
// Returns {stop()}.
export function ask(files, { explain, token }, on) {
  const form = new FormData(),
    request = new XMLHttpRequest(); // fetch() does not report how far an upload is
  files.forEach((file, i) => form.append("photo", file, `photo-${i + 1}`)); // the file's own name stays here
  form.append("explain", explain ? "1" : "0");
  request.open("POST", "v1/analyze");
  request.responseType = "json";
  if (token) request.setRequestHeader("Authorization", "Bearer " + token);
  request.upload.onprogress = (e) => e.lengthComputable && on.progress(e.loaded / e.total);
  request.upload.onload = () => on.analysing();
  request.onload = () => on.end(request.status, request.response);
  request.onerror = () => on.end(0, null);
  request.onabort = () => on.end(-1, null);
  request.send(form);
  return { stop: () => request.abort() };
}
