// A server that ends again and again is started later and later, and in the end left alone.

const WINDOW = 3 * 60_000;
const DELAYS = [0, 1_000, 2_000, 4_000];

export class Crashes {
  private times: number[] = [];

  /** Counts one more end; answers after how many milliseconds to start again, or `undefined`: no more. */
  next(now = Date.now()): number | undefined {
    this.times = this.times.filter((time) => now - time < WINDOW);
    this.times.push(now);
    return DELAYS[this.times.length - 1];
  }

  get count(): number {
    return this.times.length;
  }

  forget(): void {
    this.times = [];
  }
}
