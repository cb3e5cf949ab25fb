/** A front-end's request cannot be carried out. It goes back as an answer, or ends the connection; never out of here. */
export class RequestError extends Error {
  override readonly name = "RequestError";
}
