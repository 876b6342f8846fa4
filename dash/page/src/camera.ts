// SPDX-License-Identifier: MIT

const nearest = 4
const farthest = 0.04

/** A Camera is which part of the graph the canvas shows: x and y are in its middle. */
export interface Camera {
  x: number
  y: number
  scale: number
}

/** zoomed is the camera after zooming at a point of the canvas, which is so far from its middle. */
export function zoomed(c: Camera, factor: number, dx: number, dy: number): Camera {
  const scale = Math.min(nearest, Math.max(farthest, c.scale * factor))
  return { scale, x: c.x + dx / c.scale - dx / scale, y: c.y + dy / c.scale - dy / scale }
}

/** fitting is the camera that shows a rectangle of the graph in a canvas of some size, with a margin around. */
export function fitting(box: { left: number; top: number; right: number; bottom: number }, width: number, height: number, most = 1.25): Camera {
  const scale = Math.min(most, Math.max(farthest, Math.min(width / Math.max(1, box.right - box.left), height / Math.max(1, box.bottom - box.top))))
  return { x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2, scale }
}

/** nextTo returns which of the points lies best in a direction from one of them: near, and not far to the side. */
export function nextTo(from: { x: number; y: number }, points: Iterable<{ id: string; x: number; y: number }>, dx: number, dy: number): string | undefined {
  let best: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const p of points) {
    const along = (p.x - from.x) * dx + (p.y - from.y) * dy
    if (along <= 1) continue
    const aside = Math.abs((p.x - from.x) * dy - (p.y - from.y) * dx)
    const cost = along + 2.5 * aside
    if (cost < least) [least, best] = [cost, p.id]
  }
  return best
}
