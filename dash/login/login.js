// A link with the token in its fragment, which browsers send to no server, logs in by itself.
const token = decodeURIComponent(location.hash.slice(1))
if (token !== "") {
  history.replaceState(null, "", location.pathname)
  document.querySelector("#token").value = token
  document.querySelector("form").requestSubmit()
}
