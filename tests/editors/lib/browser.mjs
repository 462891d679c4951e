// Launches headless Chromium.
export async function launch(chromium, executablePath) {
  return chromium.launch({
    executablePath,
    headless: true,
    // The first start reads about 350 MB from disk.
    timeout: 180_000,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}
