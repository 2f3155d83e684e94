/**
 * Faces and networks by skin.wasm. Calls throw an Error with a sentence when something is wrong.
 */

/**
 * Pixels in rows from the top, 4 bytes each: red, green, blue, opacity (which is not looked at).
 */
export interface Picture {
    data: Uint8Array | Uint8ClampedArray;
    width: number;
    height: number;
}

/** x to the right and y down, in pixels; (0, 0) is the outer corner of the first pixel. */
export type Point = [x: number, y: number];

export interface Landmarks {
    left_eye: Point;
    right_eye: Point;
    nose: Point;
    mouth_left: Point;
    mouth_right: Point;
}

export interface Face {
    /** x1, y1, x2, y2. */
    corners: [number, number, number, number];
    /** 0 to 1. */
    score: number;
    /** x, y, width, height, whole numbers: what is cut out. */
    box: [number, number, number, number];
    landmarks: Landmarks;
}

export interface Detection {
    /** The best first. Coordinates are those of the picture after the rotation. */
    faces: Face[];
    /** Index of the largest face; -1: there is none. */
    chosen: number;
    /** Degrees to the right by which the picture was turned so that the faces stand upright. */
    rotation: 0 | 90 | 180 | 270;
}

export interface DetectorOptions {
    /** Smallest side of a face that is found, in pixels. Default 20. */
    minFace?: number;
    /** Pictures with a longer side are searched at this size. Default 0: never. */
    maxSide?: number;
}

export interface Detector {
    detect(picture: Picture): Detection;
    /**
     * Face i of the last detection, cut out and resized: side x side x 3 bytes. Default side 160.
     */
    crop(i: number, side?: number): Uint8Array;
    free(): void;
}

export interface FramesOptions {
    count: number;
    height: number;
    width: number;
    /** A byte for each frame, 0: it is left out. Without it frames that are all zeros are. */
    mask?: Uint8Array | null;
}

export interface Model {
    /** The size that it was trained on, to which frames are resized. */
    readonly height: number;
    readonly width: number;
    readonly channels: number;
    /** Length of the vector that it gives; 0: it gives something else, and can't be asked here. */
    readonly outputs: number;
    readonly parameters: number;
    readonly anySize: boolean;
    /** Whether it takes colour photos and gives the probabilities of deteriorated and improved. */
    readonly judgesPeople: boolean;
    /** 16 digits of a hash of the file. */
    readonly id: string;
    readonly labels: string[];
    readonly note: string;
    /** Whether the file has a calibration, and a promise (coverage). */
    readonly calibrated: boolean;
    readonly promises: boolean;
    /** A text of the file's metadata. */
    meta(key: string): string | null;
    /**
     * What the network gives for frames of count x height x width x channels bytes, one sequence.
     */
    predict(frames: Uint8Array, options: FramesOptions): number[];
    free(): void;
}

export interface PhotoReport {
    index: number;
    used: boolean;
    /** The most serious of the reasons why it is not used. */
    reason: string | null;
    reasons: string[];
    width: number;
    height: number;
    faces: number;
    /** The rest only where a face was found. */
    rotation?: 0 | 90 | 180 | 270;
    box?: [number, number, number, number];
    score?: number;
    landmarks?: Landmarks;
    quality?: Record<
        "sharpness" | "brightness" | "highlights" | "clipped" | "side" | "yaw" | "roll" | "rival",
        number
    >;
}

export interface Verdict {
    /** That the skin improved. */
    probability: number;
    /** The network's outputs. */
    negative: number;
    positive: number;
    /** 0 deteriorated, 1 improved: the more probable one. */
    best: 0 | 1;
    /** With the promise of the coverage that was asked for; null: the model promises nothing. */
    answer: "improved" | "deteriorated" | "unsure" | null;
}

export interface Effects {
    /** The least and the greatest probability when any one photo is left out. */
    range: { low: number; high: number };
    /** Probability minus that without the photo; 0: it is not used. */
    photos: number[];
    /** Probability minus that with the region of the face greyed: 5 rows of 5. */
    regions: number[][];
}

/** A person's photos in order of time: photo() for each, then judge(), verdict(), and the rest. */
export interface Analysis {
    photo(i: number, picture: Picture): void;
    judge(): { used: number; photos: PhotoReport[] };
    /** coverage: of the promise. Default 0.9. */
    verdict(coverage?: number): Verdict;
    /**
     * The probability after each photo, null for those not used; null as a whole: it can't be told.
     */
    course(): (number | null)[] | null;
    /** Some steps of the explanation; returns how many are left. */
    explain(batch?: number): number;
    /** When none is left. */
    effects(): Effects;
    free(): void;
}

export interface Skin {
    readonly version: string;
    /** weights: the bytes of mtcnn.safetensors. */
    detector(weights: Uint8Array, options?: DetectorOptions): Detector;
    /** file: the bytes of a model file. */
    model(file: Uint8Array): Model;
    analysis(detector: Detector, model: Model, photos: number): Analysis;
    /** Bytes of memory that the module has. */
    memory(): number;
    readonly threads: number;
    /** Ends the other threads. Nothing may be called after it. */
    end(): void;
}

export interface LoadOptions {
    /** More than 1 needs skin-threads.wasm, and under a browser a worker of a page that is
     * cross-origin isolated. Default 1. Results are the same bits for any number. */
    threads?: number;
}

/** wasm: the bytes of skin.wasm or skin-threads.wasm, or a module of them. */
export function load(wasm: BufferSource | WebAssembly.Module, options?: LoadOptions): Promise<Skin>;
